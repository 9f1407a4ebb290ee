package config

import "errors"

// Client says how Kelpie's own commands know the API, and are known to it, where it speaks https.
type Client struct {
	CA         string `yaml:"ca"`          // PEM file of the authorities that sign its certificate; default: those of the system
	Cert       string `yaml:"cert"`        // PEM file of our certificate, if it asks for one
	Key        string `yaml:"key"`         // PEM file of its key
	ServerName string `yaml:"server_name"` // that its certificate must have; default: that of the address
}

// Validate says what is wrong, each as an error that begins with the setting's name.
func (c Client) Validate() error {
	switch {
	case c.Cert != "" && c.Key == "":
		return errors.New("cert: a certificate needs its key: name both files")
	case c.Key != "" && c.Cert == "":
		return errors.New("key: a key needs its certificate: name both files")
	}
	return nil
}
