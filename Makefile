# Every verb is one line that can be typed by hand. `make` prints them.
.PHONY: help build test race lint fuzz bench demo proof ci

help:  ## print the verbs
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 8

build:  ## build the binary ./kelpie
	go build -o kelpie ./cmd/kelpie

test:  ## run all tests
	go test ./...

race:  ## run all tests with the race detector, in random order
	go test -race -shuffle=on ./...

lint:  ## gofmt, go vet, staticcheck, go mod tidy
	test -z "$$(gofmt -l .)" && go vet ./... && go tool staticcheck ./... && go mod tidy -diff

fuzz:  ## run every fuzz target for 20 seconds
	.ci/fuzz 20s

bench:  ## print the table of bench/README.md
	go run ./bench

demo:  ## generated shop traffic, planted attacks, the founding rules
	go run ./cmd/kelpie demo

proof:  ## the founding rules over a million events in a real Kafka, at 1, 2 and 7 shards, also killed ten times
	KELPIE_KAFKA=$$(.ci/kafka) go test ./cmd/kelpie -run TestFoundingRulesWithKafka -v -timeout 60m -kafka-events 1000000

ci:  ## all that must pass, in order
	.ci/run
