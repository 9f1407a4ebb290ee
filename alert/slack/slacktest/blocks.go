package slacktest

import (
	"encoding/json"
	"fmt"
)

// CheckBlocks says what is wrong with the blocks of a message by Slack's published limits; nil if nothing is.
func CheckBlocks(blocks []map[string]any) error {
	if len(blocks) > 50 {
		return fmt.Errorf("%d blocks, and 50 are allowed", len(blocks))
	}
	ids, whole := map[string]bool{}, 0
	for i, b := range blocks {
		if err := checkBlock(b); err != nil {
			return fmt.Errorf("block %d: %w", i, err)
		}
		id, _ := b["block_id"].(string)
		if id != "" && ids[id] || len(id) > 255 {
			return fmt.Errorf("block %d: the id %q is there twice, or too long", i, id)
		}
		ids[id] = true
		raw, err := json.Marshal(b)
		if err != nil {
			return err
		}
		whole += units(string(raw))
	}
	if whole > 100_000 {
		return fmt.Errorf("the blocks are %d characters", whole)
	}
	return nil
}

func checkBlock(b map[string]any) error {
	switch b["type"] {
	case "header":
		return checkText(b["text"], 150, "plain_text")
	case "section":
		return checkSection(b)
	case "context":
		return each(b["elements"], 10, func(e any) error { return checkText(e, 3000, "plain_text", "mrkdwn") })
	case "actions":
		actions := map[any]bool{}
		return each(b["elements"], 25, func(e any) error {
			button, _ := e.(map[string]any)
			if button["type"] != "button" || actions[button["action_id"]] {
				return fmt.Errorf("no button, or its action_id is there twice: %v", e)
			}
			actions[button["action_id"]] = true
			return checkButton(button)
		})
	case "divider":
		return nil
	}
	return fmt.Errorf("the type %v is not known", b["type"])
}

func checkSection(b map[string]any) error {
	if b["text"] == nil && b["fields"] == nil {
		return fmt.Errorf("a section with neither text nor fields")
	}
	if b["text"] != nil {
		if err := checkText(b["text"], 3000, "plain_text", "mrkdwn"); err != nil {
			return err
		}
	}
	if b["fields"] == nil {
		return nil
	}
	return each(b["fields"], 10, func(e any) error { return checkText(e, 2000, "plain_text", "mrkdwn") })
}

func checkButton(b map[string]any) error {
	if err := checkText(b["text"], 75, "plain_text"); err != nil {
		return err
	}
	id, _ := b["action_id"].(string)
	value, _ := b["value"].(string)
	if id == "" || units(id) > 255 || units(value) > 2000 {
		return fmt.Errorf("a button's action_id has 1 to 255 characters and its value at most 2000: %d, %d", units(id), units(value))
	}
	return nil
}

// checkText wants a text object of one of some types, with 1 to max characters.
func checkText(v any, max int, types ...string) error {
	o, _ := v.(map[string]any)
	text, _ := o["text"].(string)
	known := false
	for _, t := range types {
		known = known || o["type"] == t
	}
	if n := units(text); !known || n < 1 || n > max {
		return fmt.Errorf("a text of type %v with %d characters, and 1 to %d are allowed in %v", o["type"], n, max, types)
	}
	return nil
}

// each wants a list of 1 to max elements, all of which are right.
func each(v any, max int, check func(any) error) error {
	list, _ := v.([]any)
	if len(list) < 1 || len(list) > max {
		return fmt.Errorf("%d elements, and 1 to %d are allowed", len(list), max)
	}
	for i, e := range list {
		if err := check(e); err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
	}
	return nil
}
