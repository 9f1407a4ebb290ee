package event

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

const envelopeText = `{"type":"x","time":0,`

func bigDecoder(t testing.TB) *Decoder {
	t.Helper()
	d, err := NewDecoder(&Schema{Spec: Spec{MaxSize: 64 << 20}, Paths: []Path{{"a"}}})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func expectReason(t *testing.T, d *Decoder, text string, want Reason) {
	t.Helper()
	var r Record
	ref := d.Decode([]byte(text), &r)
	if want == "" && ref != nil || want != "" && (ref == nil || ref.Reason != want) {
		t.Errorf("%.60s…: got %v, want %q", text, ref, want)
	}
}

// TestLongKeys has keys of 1 MB, which are compared but not learned.
func TestLongKeys(t *testing.T) {
	d := bigDecoder(t)
	long := strings.Repeat("k", 1<<20)
	for range 3 {
		expectReason(t, d, envelopeText+`"`+long+`":1,"`+long+`l":2}`, "")
		expectReason(t, d, envelopeText+`"`+long+`":1,"\u006b`+long[1:]+`":2}`, DuplicateKey)
	}
	if n := cap(d.scan.keys.texts); n > 4<<20 {
		t.Errorf("%d bytes are kept for keys", n)
	}
}

// TestManyKeys has a million keys in one object: not learned, found again, and the memory for them given back.
func TestManyKeys(t *testing.T) {
	d := bigDecoder(t)
	var b bytes.Buffer
	b.WriteString(envelopeText)
	for i := range 1_000_000 {
		fmt.Fprintf(&b, `"k%d":%d,`, i, i)
	}
	many := b.String()
	expectReason(t, d, many+`"last":1}`, "")
	expectReason(t, d, many+`"k999999":1}`, DuplicateKey)
	expectReason(t, d, many+`"k1":1}`, DuplicateKey)
	if n := d.scan.shapes.members; n > maxLearned+4 {
		t.Errorf("%d members are learned", n)
	}
	expectReason(t, d, envelopeText+`"a":1}`, "")
	expectReason(t, d, envelopeText+`"a":1}`, "")
	if n, m := len(d.scan.keys.slots), cap(d.scan.keys.texts); n > manyKeys || m > manyText {
		t.Errorf("%d slots and %d bytes of keys are kept", n, m)
	}
}

func TestDeepNesting(t *testing.T) {
	d := bigDecoder(t)
	for _, open := range []string{"[", `{"a":`, `[{"a":`} {
		expectReason(t, d, envelopeText+`"deep":`+strings.Repeat(open, 100_000), TooDeep)
	}
	nested := strings.Repeat(`{"a":`, 63) + "1" + strings.Repeat("}", 63)
	expectReason(t, d, envelopeText+`"deep":`+nested+`}`, "")
	expectReason(t, d, envelopeText+`"deep":{"a":`+nested+`}}`, TooDeep)
}

// TestLearnedDoesNotShow decodes random documents of few and of ever new keys, among them far more than are
// learned, so that everything is forgotten and learned again. The plain scanner knows what must come out.
func TestLearnedDoesNotShow(t *testing.T) {
	d := newDecoder(t, fuzzPaths...)
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 6000 {
		if i == 4000 {
			if d.scan.shapes.room > 0 {
				t.Fatal("there is still room to learn")
			}
			d.full = patience - 1
		}
		var b []byte
		b = append(b, `{"type":"x","time":1,`...)
		b = append(b, randomValue(r, nil, i, 1)[1:]...)
		var rec Record
		checkDecode(t, b, d.Decode(b, &rec), &rec)
	}
}

// randomValue appends a value: at the first level an object, which is never empty.
func randomValue(r *rand.Rand, b []byte, i, depth int) []byte {
	kind := r.IntN(5)
	if depth == 1 {
		kind = 0
	}
	switch {
	case depth > 4 || kind > 2:
		return append(b, []string{"1", "-2.50", `"é"`, "null", `"x\ny"`, "true"}[r.IntN(6)]...)
	case kind == 2:
		b = append(b, '[')
		for n := r.IntN(3); n >= 0; n-- {
			b = append(randomValue(r, b, i, depth+1), ',')
		}
		return append(b[:len(b)-1], ']')
	}
	b = append(b, '{')
	for n := r.IntN(4); n >= 0; n-- {
		b = append(b, randomKey(r, i)...)
		b = append(b, []string{":", " : ", ": "}[r.IntN(3)]...)
		b = append(randomValue(r, b, i, depth+1), ',')
		if r.IntN(4) == 0 {
			b = append(b, ' ')
		}
	}
	return append(bytes.TrimRight(b, ", "), '}')
}

func randomKey(r *rand.Rand, i int) string {
	known := []string{`"a"`, `"b"`, `"\u0061"`, `"geo"`, `"lat"`, `"amount"`, `"@timestamp"`, `"a b"`, `"q\"s\\"`, `"é"`, `""`, `"point"`, `"id"`,
		`"a rather long key, of more than sixteen bytes"`, `"sixteen.bytes"`, `"seven"`, `"eight."`}
	if r.IntN(4) > 0 {
		return known[r.IntN(len(known))]
	}
	return fmt.Sprintf(`"k%d"`, i*4+r.IntN(4))
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	lines := shopEvents(1000)
	for i := range lines {
		if i%10 == 0 {
			lines[i] = bytes.Replace(lines[i], []byte(`"region"`), []byte(`"größe \u00e4":"C:\\x\\y é","re\u0067ion"`), 1)
		}
	}
	d := newDecoder(t, benchPaths...)
	var r Record
	all := func() {
		for _, line := range lines {
			if ref := d.Decode(line, &r); ref != nil {
				t.Fatal(ref)
			}
		}
	}
	all()
	if n := testing.AllocsPerRun(5, all); n != 0 {
		t.Errorf("%v allocations for %d events", n, len(lines))
	}
}
