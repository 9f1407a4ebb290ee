package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// talk is a client's side of a conversation with its study, in lines: it greets, hears where the service is, and reports.
type talk struct {
	in  *bufio.Reader
	out io.Writer
}

// meet greets, and returns where the service is.
func (t *talk) meet(greeting string) (address string, err error) {
	if _, err := fmt.Fprintln(t.out, greeting); err != nil {
		return "", err
	}
	return line(t.in)
}

func line(r *bufio.Reader) (string, error) {
	text, err := r.ReadString('\n')
	return strings.TrimSuffix(text, "\n"), err
}

// beClient is a client's process.
func (l *lab) beClient(name string) error {
	clients := map[string]func(*lab, *talk) (any, error){"decisions": askDecisions, "told": raiseAlerts, "hour": postHour, "kafka": produceAlerts}
	run, ok := clients[name]
	if !ok {
		return fmt.Errorf("no client %q", name)
	}
	report, err := run(l, &talk{bufio.NewReader(os.Stdin), os.Stdout})
	if err != nil {
		return fmt.Errorf("client %s: %w", name, err)
	}
	return json.NewEncoder(os.Stdout).Encode(report)
}

// peer is a client, seen from its study. It runs in a process of its own, on the same cores, so that its memory and its
// work are not counted as the service's.
type peer struct {
	cmd      *exec.Cmd
	in       io.WriteCloser
	out      *bufio.Reader
	greeting string
}

// startPeer starts a client and waits for its greeting.
func (l *lab) startPeer(name string) (*peer, error) {
	cmd, err := childCommand(order{Client: name, Sizes: l.sizes, Dir: l.dir})
	if err != nil {
		return nil, err
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &peer{cmd: cmd, in: in, out: bufio.NewReader(out)}
	if p.greeting, err = line(p.out); err != nil {
		return nil, errors.Join(err, p.end())
	}
	return p, nil
}

// ask says where the service is, and waits for the report and the client's end.
func (p *peer) ask(address string, report any) error {
	_, err := fmt.Fprintln(p.in, address)
	if err == nil {
		err = json.NewDecoder(p.out).Decode(report)
	}
	return errors.Join(err, p.end())
}

// end waits for the client to end: without an address it does so at once.
func (p *peer) end() error {
	if p.cmd.ProcessState != nil {
		return nil
	}
	return errors.Join(p.in.Close(), p.cmd.Wait())
}

// cpu returns how long the client, which has ended, was on a core.
func (p *peer) cpu() time.Duration {
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

// visit is a service and the client that comes to it, once for each sample.
type visit struct {
	l       *lab
	client  string
	options func(greeting string) postedOptions

	service *posted
	peer    *peer
	cores   []float64 // that the client took, by sample
}

// job takes samples. report says where a client's report is to go, and after is called when the service has ended.
func (v *visit) job(in *input, report func() any, after func()) *job {
	return &job{
		in: in,
		before: func() (err error) {
			if v.peer, err = v.l.startPeer(v.client); err != nil {
				return err
			}
			dir, err := v.l.folder("visited")
			if err == nil {
				v.service, err = openPosted(dir, v.options(v.peer.greeting))
			}
			return err
		},
		run: func() error {
			began := time.Now()
			err := v.peer.ask(v.service.api.Address().String(), report())
			v.cores = append(v.cores, v.peer.cpu().Seconds()/time.Since(began).Seconds())
			return errors.Join(err, v.service.stop())
		},
		after: func() error {
			after()
			return v.service.served.close()
		},
	}
}
