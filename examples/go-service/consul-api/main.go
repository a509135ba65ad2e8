// An HTTP server that registers with the Consul agent of its machine, and on SIGTERM leaves without losing a request.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	consul "github.com/hashicorp/consul/api"
)

const (
	// How long those who read Consul may take to hear that this instance left. Tidegate takes milliseconds.
	settle        = 500 * time.Millisecond
	drainDeadline = 25 * time.Second
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	listener, err := net.Listen("tcp", ":"+env("PORT", "0"))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: routes()}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	// CONSUL_HTTP_ADDR and CONSUL_HTTP_TOKEN count, as for every program that uses this client.
	client, err := consul.NewClient(consul.DefaultConfig())
	if err != nil {
		return err
	}
	agent := client.Agent()
	instance := registration(env("SERVICE", "greeter"), env("HOST", "127.0.0.1"), listener.Addr().(*net.TCPAddr).Port)
	if err := agent.ServiceRegister(instance); err != nil {
		return err
	}
	fmt.Printf("%s is %s at http://%s:%d\n", instance.Name, instance.ID, instance.Address, instance.Port)

	stopping, ignoreSignals := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	select {
	case err = <-served:
	case <-stopping.Done():
		// From now on a second signal ends it at once.
		ignoreSignals()
	}
	if failure := agent.ServiceDeregister(instance.ID); failure != nil {
		// It drains all the same: its check fails afterwards, and then Consul forgets it.
		log.Print(failure)
	}
	if err != nil {
		return err
	}
	// The order is what loses no request: out of Consul, known to its readers, and only then closed to them.
	time.Sleep(settle)
	deadline, cancel := context.WithTimeout(context.Background(), drainDeadline)
	defer cancel()
	return server.Shutdown(deadline)
}

func registration(name, host string, port int) *consul.AgentServiceRegistration {
	return &consul.AgentServiceRegistration{
		ID:      fmt.Sprintf("%s-%s-%d", name, host, port),
		Name:    name,
		Address: host,
		Port:    port,
		Meta:    map[string]string{"version": "1.0.0"},
		Check: &consul.AgentServiceCheck{
			HTTP:     fmt.Sprintf("http://%s/health", net.JoinHostPort(host, fmt.Sprint(port))),
			Interval: "5s",
			Timeout:  "2s",
			// It serves already. Without this it would be critical until the agent has asked it for the first time.
			Status: consul.HealthPassing,
			// What kill -9 leaves behind. Consul raises less than this silently.
			DeregisterCriticalServiceAfter: "1m",
		},
	}
}

func routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(answer http.ResponseWriter, _ *http.Request) {
		answer.WriteHeader(http.StatusOK)
	})
	mux.HandleFunc("/", func(answer http.ResponseWriter, request *http.Request) {
		answer.Header().Set("content-type", "application/json")
		body := map[string]any{"path": request.URL.RequestURI(), "servedBy": os.Getpid()}
		if err := json.NewEncoder(answer).Encode(body); err != nil {
			log.Print(err)
		}
	})
	return mux
}

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
