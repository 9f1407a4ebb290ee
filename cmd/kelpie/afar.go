package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"kelpie/alert"
	"kelpie/event"
	"kelpie/server"
	"kelpie/state"
)

// look asks the API for something, into answer.
func (d *deskFlags) look(ctx context.Context, api *client, path string, answer any) error {
	if d.data.unmask {
		return errors.New("--unmask: the API shows what everybody may see: read the data folder, with -c or --data")
	}
	b, err := api.call(ctx, "GET", path, nil)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, answer); err != nil {
		return fmt.Errorf("the API's answer cannot be read: %w", err)
	}
	return nil
}

// pageMost is how many alerts the API lists at once.
const pageMost = 1000

// findAfar lists alerts through the API.
func (o *alertsOptions) findAfar(ctx context.Context, api *client) (found []*alert.Alert, err error) {
	if err := o.times(func() (int64, error) { return o.desk.newestAfar(ctx, api) }); err != nil {
		return nil, err
	}
	q := url.Values{"key": o.query.Key}
	for name, value := range map[string]string{"state": string(o.query.State), "rule": o.query.Rule, "severity": o.query.Severity} {
		if value != "" {
			q.Set(name, value)
		}
	}
	for name, ms := range map[string]int64{"from": o.query.From, "to": o.query.To} {
		if ms != 0 {
			q.Set(name, event.FormatTime(ms))
		}
	}
	if o.query.Oldest {
		q.Set("order", "oldest")
	}
	for {
		n := pageMost
		if o.query.Limit > 0 {
			n = min(n, o.query.Limit-len(found))
		}
		q.Set("limit", strconv.Itoa(n))
		var page struct {
			Alerts []*alert.Alert `json:"alerts"`
			Next   string         `json:"next"`
		}
		if err := o.desk.look(ctx, api, "/v1/alerts?"+q.Encode(), &page); err != nil {
			return nil, err
		}
		found = append(found, page.Alerts...)
		if page.Next == "" || len(found) == o.query.Limit {
			return found, nil
		}
		q.Set("after", page.Next)
	}
}

// newestAfar returns the newest event time of a service; state.NoTime before the first event.
func (d *deskFlags) newestAfar(ctx context.Context, api *client) (int64, error) {
	var is struct {
		Time struct {
			Newest string `json:"newest"`
		} `json:"time"`
	}
	if err := d.look(ctx, api, "/v1/status", &is); err != nil {
		return 0, err
	}
	if ms, ok := event.ParseTime(event.StringValue(is.Time.Newest)); ok {
		return ms, nil
	}
	return state.NoTime, nil
}

// showAfar shows an alert through the API.
func (o *showOptions) showAfar(c *cobra.Command, api *client, id string) error {
	if o.events {
		return errors.New("--events reads the log: name the data folder, with -c or --data, or ask the API for /v1/alerts/ID/events")
	}
	var text json.RawMessage
	if err := o.desk.look(c.Context(), api, "/v1/alerts/"+url.PathEscape(id), &text); err != nil {
		return err
	}
	var a alert.Alert
	var told struct {
		Deliveries []alert.Delivery `json:"deliveries"`
		Held       []alert.Held     `json:"held"`
	}
	if err := errors.Join(json.Unmarshal(text, &a), json.Unmarshal(text, &told)); err != nil {
		return fmt.Errorf("the API's answer cannot be read: %w", err)
	}
	if !o.desk.asJSON {
		return writeAlert(c.OutOrStdout(), &a, told.Deliveries, told.Held)
	}
	b, err := alertDoc(&a, told.Deliveries, told.Held)
	if err == nil {
		_, err = c.OutOrStdout().Write(append(b, "}\n"...))
	}
	return err
}

// silencesAfar lists silences through the API.
func (d *deskFlags) silencesAfar(ctx context.Context, api *client) (list []server.ListedSilence, err error) {
	var answer struct {
		Silences []json.RawMessage `json:"silences"`
	}
	if err := d.look(ctx, api, "/v1/silences", &answer); err != nil {
		return nil, err
	}
	for _, text := range answer.Silences {
		var s alert.Silence
		var is struct {
			State alert.SilenceState `json:"state"`
		}
		if err := errors.Join(json.Unmarshal(text, &s), json.Unmarshal(text, &is)); err != nil {
			return nil, fmt.Errorf("the API's answer cannot be read: %w", err)
		}
		list = append(list, server.ListedSilence{Silence: &s, State: is.State})
	}
	return list, nil
}
