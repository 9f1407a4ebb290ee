package event

import (
	"bytes"
	"encoding/base64"
	"mime"
	"slices"
	"strings"
	"unicode/utf8"
)

// Attribute is one attribute of a CloudEvent in binary mode, where it stands beside the data.
type Attribute struct{ Name, Value string }

// AppendCloudEvent appends the JSON form (structured mode) of a CloudEvent in binary mode, https://cloudevents.io: its
// attributes, sorted by their names, and the data as data if they are JSON by their type, as a text if they are one, and as
// data_base64 otherwise. Whether data that should be JSON are is not looked at.
func AppendCloudEvent(dst []byte, attributes []Attribute, contentType string, data []byte) []byte {
	slices.SortFunc(attributes, func(a, b Attribute) int { return strings.Compare(a.Name, b.Name) })
	dst = append(dst, '{')
	for _, a := range attributes {
		dst = AppendJSON(dst, StringValue(a.Name))
		dst = AppendJSON(append(dst, ':'), StringValue(a.Value))
		dst = append(dst, ',')
	}
	if contentType != "" {
		dst = AppendJSON(append(dst, `"datacontenttype":`...), StringValue(contentType))
		dst = append(dst, ',')
	}
	return append(appendCloudData(dst, contentType, data), '}')
}

// IsJSONType reports whether data of that type are JSON: also those whose type is not said.
func IsJSONType(contentType string) bool {
	name, _, _ := mime.ParseMediaType(contentType) // what cannot be read is none
	return contentType == "" || strings.HasSuffix(name, "/json") || strings.HasSuffix(name, "+json")
}

func appendCloudData(dst []byte, contentType string, data []byte) []byte {
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return append(dst, `"data":null`...)
	case IsJSONType(contentType):
		return append(append(dst, `"data":`...), data...)
	case strings.HasPrefix(contentType, "text/") && utf8.Valid(data):
		return AppendJSON(append(dst, `"data":`...), StringValue(string(data)))
	}
	dst = append(dst, `"data_base64":"`...)
	return append(base64.StdEncoding.AppendEncode(dst, data), '"')
}
