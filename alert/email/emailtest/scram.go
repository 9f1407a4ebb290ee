package emailtest

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

const (
	scramSalt   = "a salt of 16 byt"
	scramRounds = 4096
)

// scram logs somebody in by SCRAM-SHA-256 (RFC 7677), which sends no password: both sides prove that they know it.
func (e *session) scram(first string) {
	if first == "" {
		first = e.ask("")
	}
	bare, ok := strings.CutPrefix(first, "n,,")
	if !ok {
		e.say("535 5.7.8 no channel binding here")
		return
	}
	challenge := "r=" + attribute(bare, "r=") + "s3rver,s=" + base64.StdEncoding.EncodeToString([]byte(scramSalt)) + ",i=4096"
	last := e.ask(challenge)
	withoutProof, proof, _ := strings.Cut(last, ",p=")
	signed := bare + "," + challenge + "," + withoutProof
	salted, err := pbkdf2.Key(sha256.New, Password, []byte(scramSalt), scramRounds, sha256.Size)
	if err != nil {
		e.s.t.Error(err)
		return
	}
	clientKey := mac(salted, "Client Key")
	stored := sha256.Sum256(clientKey)
	want := mac(stored[:], signed)
	for i := range want {
		want[i] ^= clientKey[i]
	}
	if attribute(bare, "n=") != Username || !hmac.Equal([]byte(decode(proof)), want) {
		e.say("535 5.7.8 that is not the password")
		return
	}
	e.ask("v=" + base64.StdEncoding.EncodeToString(mac(mac(salted, "Server Key"), signed)))
	e.user = Username
	e.say("235 2.7.0 welcome")
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// attribute returns the value of an attribute of a message.
func attribute(message, name string) string {
	for _, a := range strings.Split(message, ",") {
		if value, ok := strings.CutPrefix(a, name); ok {
			return value
		}
	}
	return ""
}
