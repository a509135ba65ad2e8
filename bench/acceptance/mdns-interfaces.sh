#!/bin/sh
# Two machines on two wires, in network namespaces of their own, and interfaces that go down and come back. As root:
# sh bench/acceptance/mdns-interfaces.sh
set -eu
if [ -z "${INSIDE:-}" ]; then
  INSIDE=yes exec unshare --net --mount --pid --fork --mount-proc --kill-child sh "$0"
fi
node=node_modules/.bin/node
program=bench/acceptance/mdns-interfaces.ts
ip link set lo up
for number in 1 2; do
  unshare --net sleep 60 &
  machine=$!
  sleep 0.3
  ip link add "wire$number" type veth peer name "far$number"
  ip link set "far$number" netns "$machine"
  ip addr add "10.77.$number.1/24" dev "wire$number"
  ip link set "wire$number" up
  nsenter -t "$machine" -n sh -c "ip addr add 10.77.$number.2/24 dev far$number; ip link set far$number up; ip route add 224.0.0.0/4 dev far$number"
  nsenter -t "$machine" -n "$node" "$program" "10.77.$number.2" &
done
exec "$node" "$program"
