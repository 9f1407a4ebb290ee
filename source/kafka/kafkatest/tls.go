package kafkatest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// authority is where the files of a certificate authority, and of who it knows, are.
type authority struct {
	ca, keystore, clientCert, clientKey string

	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// newAuthority makes an authority, a certificate for the nodes and one for a client.
func newAuthority(dir string) (a authority, err error) {
	file := func(name string) string { return filepath.Join(dir, name) }
	a = authority{ca: file("ca.pem"), keystore: file("node.pem"), clientCert: file("client.pem"), clientKey: file("client.key")}
	ca, caKey, err := a.issue("an authority for tests", true)
	if err != nil {
		return a, err
	}
	node, nodeKey, err := a.issue("node", false)
	if err != nil {
		return a, err
	}
	client, clientKey, err := a.issue("client", false)
	if err != nil {
		return a, err
	}
	_ = caKey // it signs, and stays in memory
	for name, content := range map[string][]byte{
		a.ca: ca, a.keystore: bytes.Join([][]byte{nodeKey, node, ca}, nil), a.clientCert: client, a.clientKey: clientKey,
	} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			return a, err
		}
	}
	return a, nil
}

// issue makes a certificate and its key, both as PEM.
func (a *authority) issue(name string, isCA bool) (cert, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
		BasicConstraintsValid: true, IsCA: isCA, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:    []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	parent, signer := a.cert, a.key
	if isCA {
		template.KeyUsage, template.DNSNames, template.IPAddresses = x509.KeyUsageCertSign, nil, nil
		parent, signer = template, private
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &private.PublicKey, signer)
	if err != nil {
		return nil, nil, err
	}
	if isCA {
		a.key = private
		if a.cert, err = x509.ParseCertificate(der); err != nil {
			return nil, nil, err
		}
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), nil
}
