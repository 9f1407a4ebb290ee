package traffic

// What the shop is made of. Every string is written into JSON as it stands, so none needs an escape.

var regions = [...]string{"eu-west-1", "eu-central-1", "us-east-1", "us-west-2", "ap-south-1"}

var services = [...]string{
	"catalog", "search", "cart", "checkout", "payments", "login",
	"account", "inventory", "shipping", "pricing", "reviews", "gateway",
}

// paths holds what is asked of each service.
var paths = [len(services)]string{
	"/api/v1/catalog/items", "/api/v1/search", "/api/v1/cart", "/api/v1/orders", "/api/v1/payments", "/api/v1/login",
	"/api/v1/account", "/api/v1/stock", "/api/v1/shipments", "/api/v1/prices", "/api/v1/reviews", "/api/v1/session",
}

var methods = [...]string{"GET", "GET", "GET", "POST"}

// successes and failures are the states of requests; a failure is what the rule error-rate counts.
var (
	successes = [...]string{"200", "200", "200", "200", "200", "201", "204", "304", "200", "200", "200", "404", "200", "200", "200", "401"}
	failures  = [...]string{"500", "503", "502", "503"}
)

var systems = [...]string{"ios", "android", "web", "web"}

var agents = [...]string{
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X)",
	"Mozilla/5.0 (Linux; Android 15; Pixel 9)",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)",
}

// city is a place where customers live; latitude and longitude in ten-thousandths of a degree.
type city struct {
	country, currency string
	lat, lon          int64
}

var cities = [...]city{
	{"DE", "EUR", 525200, 134050},
	{"FR", "EUR", 488566, 23522},
	{"NL", "EUR", 523676, 49041},
	{"US", "USD", 407128, -740060},
	{"GB", "GBP", 515072, -1276},
	{"ES", "EUR", 404168, -37038},
	{"IT", "EUR", 454642, 91900},
	{"PL", "PLN", 522297, 210122},
	{"SE", "SEK", 593293, 180686},
	{"IN", "INR", 190760, 728777},
	{"US", "USD", 476062, -1223321},
	{"AT", "EUR", 482082, 163738},
}

// person is what is always the same about a customer, drawn from the number by a hash, so that nothing is stored.
type person uint64

// personOf mixes a customer's number; the same number is the same person in every stream.
func personOf(customer int) person {
	h := uint64(customer+1) * 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return person(h ^ h>>31)
}

// region returns an index into regions: two in five customers in the first, one in ten in the last.
func (p person) region() int {
	return int("\x00\x00\x00\x00\x01\x01\x02\x02\x03\x04"[uint64(p)>>8%10])
}

func (p person) city() *city    { return &cities[uint64(p)>>16%uint64(len(cities))] }
func (p person) system() int    { return int(uint64(p) >> 4 & 3) }
func (p person) device() uint64 { return uint64(p) }
