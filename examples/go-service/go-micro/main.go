// A go-micro web service in Consul: go-micro registers it, sends its heartbeats and deregisters it on SIGTERM.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/go-micro/plugins/v4/registry/consul"
	"go-micro.dev/v4/registry"
	"go-micro.dev/v4/web"
)

const (
	// How long those who read Consul may take to hear that this instance left. Tidegate takes milliseconds.
	settle        = 500 * time.Millisecond
	drainDeadline = 25 * time.Second
)

func main() {
	server := &http.Server{}
	var service web.Service
	service = web.NewService(
		web.Name(env("SERVICE", "greeter")),
		web.Version("1.0.0"),
		web.Address(env("HOST", "127.0.0.1")+":"+env("PORT", "0")),
		web.Registry(consul.NewRegistry(registry.Addrs(env("CONSUL_HTTP_ADDR", "127.0.0.1:8500")))),
		web.RegisterTTL(15*time.Second),
		web.RegisterInterval(5*time.Second),
		web.Server(server),
		// By itself go-micro closes its listener in the same breath as it deregisters.
		web.BeforeStop(func() error {
			time.Sleep(settle)
			return nil
		}),
		web.AfterStart(func() error {
			options := service.Options()
			fmt.Printf("%s is %s at http://%s\n", options.Name, options.Id, options.Address)
			return nil
		}),
	)
	service.HandleFunc("/", func(answer http.ResponseWriter, request *http.Request) {
		answer.Header().Set("content-type", "application/json")
		body := map[string]any{"path": request.URL.RequestURI(), "servedBy": os.Getpid()}
		if err := json.NewEncoder(answer).Encode(body); err != nil {
			log.Print(err)
		}
	})
	failure := service.Run()
	// go-micro by itself ends here, whatever it was asked and has not answered; at once where it could not deregister.
	deadline, cancel := context.WithTimeout(context.Background(), drainDeadline)
	defer cancel()
	if err := server.Shutdown(deadline); !errors.Is(err, net.ErrClosed) {
		failure = errors.Join(failure, err)
	}
	if failure != nil {
		log.Fatal(failure)
	}
}

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
