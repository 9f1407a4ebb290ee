package event

import (
	"encoding/binary"
	"hash/maphash"
	"strings"
	"unicode/utf8"
)

// shapes is what the decoder has learned about the objects that it meets: which keys they have and in which
// order. One object of the tree of wanted paths, or of the events, is a shape; each of its keys is a member.
// Learning makes decoding fast and changes no result: what is not known is looked up and compared exactly.
//
// It is bounded: at most maxLearned members beside the wanted ones. If they are full, and have been for a
// while, everything learned is forgotten and learned afresh, because the events may have changed.
type shapes struct {
	root    *shape
	seed    maphash.Seed
	table   []*member // open addressing, a power of two; at most half are taken
	members int
	salts   uint64 // of the shapes, so that a key that many shapes have is not always at the same place
	room    int    // how many may still be learned
}

const (
	maxLearned    = 2048
	maxLearnedKey = 64      // bytes; longer keys are not learned
	patience      = 1 << 14 // events before a full table is thrown away
)

// shape is one kind of object: those under one path.
type shape struct {
	head member // its successors are the keys that come first
	salt uint64
}

// member is one key of a shape. To recognise it in the input takes one or two comparisons of a word, if it comes
// where it came before.
type member struct {
	word, mask  uint64  // the first eight bytes of `"key":`, and which of them count
	tail        uint64  // the last eight, if there are more than eight
	seen        uint64  // number of the last object that had it
	next, other *member // what came after it last, and before that
	size        int32   // of `"key":`
	slot        int32   // where a wanted value goes, -1 if it is not wanted
	object      *shape  // of its value, and
	elements    *shape  // of its value's elements; nil until there is one
	pattern     string  // `"key":`
	key         string
	owner       *shape
}

// nobody is a member that no input matches. It stands for "not known".
var nobody = newNobody()

func newNobody() *member {
	m := &member{word: 1, slot: -1}
	m.next, m.other = m, m
	return m
}

func newShapes(paths []Path) *shapes {
	s := &shapes{seed: maphash.MakeSeed(), table: make([]*member, 64)}
	s.root = s.newShape()
	for slot, p := range paths {
		at := s.root
		for i, name := range p {
			m := s.find(at, []byte(name))
			if m == nil {
				m = s.insert(at, name)
			}
			if i == len(p)-1 {
				m.slot = int32(slot)
			} else {
				at = s.under(&m.object)
			}
		}
	}
	s.room = maxLearned
	return s
}

func (s *shapes) newShape() *shape {
	s.salts += 0x9E3779B97F4A7C15
	return &shape{head: member{next: nobody, other: nobody, slot: -1}, salt: s.salts}
}

// under returns the shape that a member holds, and makes it if there is none yet.
func (s *shapes) under(at **shape) *shape {
	if *at == nil {
		*at = s.newShape()
	}
	return *at
}

// find returns the member with that key, or nil.
func (s *shapes) find(sh *shape, key []byte) *member {
	mask := uint64(len(s.table) - 1)
	for i := s.home(sh, key); ; i++ {
		m := s.table[i&mask]
		if m == nil || m.owner == sh && m.key == string(key) {
			return m
		}
	}
}

// home returns the index in the table, less its mask, where the search for a key begins.
func (s *shapes) home(sh *shape, key []byte) uint64 {
	return (maphash.Bytes(s.seed, key) ^ sh.salt) >> 16
}

// learn adds a member for a key that find did not find, or returns nobody if the key is not worth it.
// What is learned is never validated again, so it must be UTF-8.
func (s *shapes) learn(sh *shape, key []byte) *member {
	if s.room == 0 || len(key) > maxLearnedKey || !utf8.Valid(key) {
		return nobody
	}
	s.room--
	return s.insert(sh, string(key))
}

func (s *shapes) insert(sh *shape, key string) *member {
	m := &member{next: nobody, other: nobody, slot: -1, owner: sh, key: key, word: 1}
	if !strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' }) {
		m.setPattern()
	} // else it is always escaped
	if s.members++; 2*s.members > len(s.table) {
		old := s.table
		s.table = make([]*member, 2*len(old))
		for _, o := range old {
			if o != nil {
				s.place(o)
			}
		}
	}
	s.place(m)
	return m
}

func (s *shapes) place(m *member) {
	mask := uint64(len(s.table) - 1)
	i := s.home(m.owner, []byte(m.key))
	for s.table[i&mask] != nil {
		i++
	}
	s.table[i&mask] = m
}

func (m *member) setPattern() {
	m.pattern = `"` + m.key + `":`
	n := len(m.pattern)
	m.size = int32(n)
	if n < 8 {
		var b [8]byte
		copy(b[:], m.pattern)
		m.word, m.mask = binary.LittleEndian.Uint64(b[:]), 1<<(8*n)-1
		return
	}
	m.word, m.mask = binary.LittleEndian.Uint64([]byte(m.pattern)), 1<<64-1
	m.tail = binary.LittleEndian.Uint64([]byte(m.pattern[n-8:]))
}

// follow notes that m came after prev.
func (m *member) follow(prev *member) {
	if prev.next != m {
		prev.other, prev.next = prev.next, m
	}
}

// isAt reports whether the input at p is the key of m and a colon; w is the word at p.
func (m *member) isAt(b []byte, p int, w uint64) bool {
	return w&m.mask == m.word && (m.size <= 8 || m.restIsAt(b, p))
}

// restIsAt compares what is beyond the first word.
func (m *member) restIsAt(b []byte, p int) bool {
	n := int(m.size)
	if p+n > len(b) || load(b, p+n-8) != m.tail {
		return false
	}
	return n <= 16 || string(b[p+8:p+n-8]) == m.pattern[8:n-8]
}
