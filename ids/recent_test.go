package ids

import (
	"testing"

	"pgregory.net/rapid"

	"kelpie/event"
)

// TestRecent adds and drops few ids, and compares with a list.
func TestRecent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 40).Draw(t, "most")
		r := NewRecent(most)
		if n := rapid.IntRange(0, 60).Draw(t, "reserve"); n > 0 {
			r.Reserve(n)
		}
		var list []Entry
		for n := range rapid.Uint64Range(1, 200).Draw(t, "steps") {
			if len(list) > 0 && rapid.IntRange(0, 3).Draw(t, "drop") == 0 {
				r.Drop()
				list = list[1:]
				continue
			}
			e := Entry{ID{Lo: rapid.Uint64Range(1, 30).Draw(t, "id") * 16}, n, int64(n)} // many at the same place of the index
			r.TouchAdd(0, e.ID)
			r.Add(e)
			list = append(list, e)
			list = list[max(0, len(list)-most):]
			if r.Len() != len(list) || r.Full() != (len(list) == most) || *r.Oldest() != list[0] {
				t.Fatalf("%d ids, full %t, the oldest %v; want %v", r.Len(), r.Full(), *r.Oldest(), list)
			}
		}
		newest := map[ID]Entry{}
		for i, e := range list {
			if newest[e.ID] = e; *r.Nth(i) != e {
				t.Fatalf("number %d is %v, want %v", i, *r.Nth(i), e)
			}
		}
		for lo := range uint64(31) {
			id := ID{Lo: lo * 16}
			want, is := newest[id]
			if got := r.Find(id); is != (got != nil) || is && *got != want {
				t.Fatalf("%v is %v, want %v", id, got, want)
			}
		}
	})
}

// TestOf tells events apart by their ids, and CloudEvents by their sources too.
func TestOf(t *testing.T) {
	d, err := event.NewDecoder(&event.Schema{Paths: Paths})
	if err != nil {
		t.Fatal(err)
	}
	id := func(members string) ID {
		var r event.Record
		if no := d.Decode([]byte(`{"type":"a","time":1`+members+`}`), &r); no != nil {
			t.Fatal(no)
		}
		id, _ := Of(nil, &r, r.Value(0), r.Value(1))
		return id
	}
	if id("") != (ID{}) || id(`,"id":"x"`) == (ID{}) {
		t.Error("an event has an id, or has none")
	}
	if id(`,"id":1`) != id(`,"id":"1"`) || id(`,"id":"x","source":"s"`) != id(`,"id":"x"`) {
		t.Error("what is no CloudEvent is known by the text of its id")
	}
	const cloud = `,"specversion":"1.0","id":"x"`
	if id(cloud+`,"source":"s"`) == id(cloud+`,"source":"t"`) || id(cloud+`,"source":"s"`) == id(`,"id":"x"`) {
		t.Error("a CloudEvent is known by its source and its id")
	}
}
