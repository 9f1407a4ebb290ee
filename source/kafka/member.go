package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/findcoordinator"
	"github.com/segmentio/kafka-go/protocol/leavegroup"
)

// A member that dies without a word keeps its partitions until its session ends. So who we are in the group is kept in a
// file, and the next process of the same folder says goodbye for the one that died before it joins itself.

// memberNote is what the file holds.
type memberNote struct {
	Group  string `json:"group"`
	Member string `json:"member"` // as the group knows it
}

// noteMember keeps who we are. What is not kept costs the next process the wait for the session's end.
func (r *Reader) noteMember(id string) {
	if r.o.Member == "" || id == "" {
		return
	}
	if err := writeMember(r.o.Member, memberNote{r.spec.Group, id}); err != nil {
		r.log.Warn("kafka: the group will wait for this member if it dies: it cannot be noted", "group", r.spec.Group, "error", err)
	}
}

func writeMember(name string, n memberNote) error {
	b, err := json.Marshal(n)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// bury takes the member out of the group that a process before us was, if it is in it still.
func (r *Reader) bury() {
	if r.o.Member == "" {
		return
	}
	b, err := os.ReadFile(r.o.Member)
	var n memberNote
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err == nil:
		err = json.Unmarshal(b, &n)
	}
	if err == nil && (n.Group != r.spec.Group || n.Member == "") {
		return
	}
	if err == nil {
		err = r.leaveFor(n.Member)
	}
	for try := 0; err != nil && try < burials && r.ctx.Err() == nil; try++ {
		sleep(r.ctx, backoff(try))
		err = r.leaveFor(n.Member)
	}
	if err != nil && r.ctx.Err() == nil {
		r.log.Warn("kafka: the group may wait for a member that died", "group", r.spec.Group, "wait", session, "error", err)
	}
}

// burials is how often it is tried again: then the member's session is nearly over anyway.
const burials = 6

// leaveFor has a member leave the group. It is no error if the group does not know it any more.
func (r *Reader) leaveFor(member string) error {
	ctx, cancel := context.WithTimeout(r.ctx, r.client.d.timeout)
	defer cancel()
	addr, err := r.client.coordinator(ctx, r.spec.Group)
	if err != nil {
		return err
	}
	return r.client.on(ctx, addr, func(conn *conn) error {
		m, err := conn.ask(ctx, &leavegroup.Request{GroupID: r.spec.Group, Members: []leavegroup.RequestMember{{MemberID: member}}})
		if err != nil {
			return err
		}
		answer := m.(*leavegroup.Response)
		code := kafkago.Error(answer.ErrorCode)
		if code == 0 && len(answer.Members) > 0 {
			code = kafkago.Error(answer.Members[0].ErrorCode)
		}
		switch code {
		case 0:
			r.log.Info("kafka: a member that died has been taken out of the group", "group", r.spec.Group)
			return nil
		case kafkago.UnknownMemberId:
			return nil
		}
		return fmt.Errorf("%s: %w", describe(code), code)
	})
}

// coordinator returns the address of the broker that a group talks to.
func (c *client) coordinator(ctx context.Context, group string) (addr string, err error) {
	for _, at := range c.addresses() {
		err = c.on(ctx, at, func(conn *conn) error {
			m, err := conn.ask(ctx, &findcoordinator.Request{Key: group})
			if err != nil {
				return err
			}
			answer := m.(*findcoordinator.Response)
			if answer.ErrorCode != 0 {
				return kafkago.Error(answer.ErrorCode)
			}
			addr = net.JoinHostPort(answer.Host, strconv.Itoa(int(answer.Port)))
			return nil
		})
		if err == nil || ctx.Err() != nil {
			break
		}
	}
	return addr, err
}
