-- luajit open-loop.lua HOST PORT PATH RATE CONNECTIONS SECONDS [FIELD …]: GETs at a constant rate, whether or not answers come.
--
-- Request i is due at i / RATE. It goes out on the connection that has been idle for longest; when none is idle it waits for one, and
-- the wait counts: a time is that from when the request was due to the end of its answer, which needs a Content-Length. Prints one
-- line of JSON.
-- LuaJIT, since the generator has one core together with the origin: a request costs it little more than its system calls.

local ffi = require('ffi')
local C = ffi.C

ffi.cdef([[
typedef struct { long seconds; long nanos; } timespec;
typedef struct { timespec interval; timespec value; } itimerspec;
typedef struct { uint16_t family; uint16_t port; uint32_t address; uint8_t zero[8]; } sockaddr_in;
typedef struct { uint32_t events; int32_t fd; int32_t pad; } ]] .. (ffi.arch == 'x64' and '__attribute__((packed))' or '') .. [[ epoll_event_packed;
typedef struct { uint32_t events; uint32_t gap; int32_t fd; int32_t pad; } epoll_event_aligned;
int clock_gettime(int clock, timespec *now);
int socket(int domain, int type, int protocol);
int connect(int fd, const sockaddr_in *address, unsigned length);
int setsockopt(int fd, int level, int name, const int *value, unsigned length);
int close(int fd);
long read(int fd, void *bytes, size_t length);
long send(int fd, const char *bytes, size_t length, int flags);
long recv(int fd, uint8_t *bytes, size_t length, int flags);
int epoll_create1(int flags);
int epoll_ctl(int epoll, int operation, int fd, void *event);
int epoll_wait(int epoll, void *events, int count, int timeout);
int timerfd_create(int clock, int flags);
int timerfd_settime(int fd, int flags, const itimerspec *value, itimerspec *before);
int inet_pton(int family, const char *text, void *address);
uint16_t htons(uint16_t port);
]])

local MONOTONIC, AF_INET, SOCK_STREAM, IPPROTO_TCP, TCP_NODELAY = 1, 2, 1, 6, 1
local EPOLL_CTL_ADD, EPOLLIN = 1, 1
local MSG_DONTWAIT, MSG_NOSIGNAL = 0x40, 0x4000
local EAGAIN, EINTR = 11, 4

local host, port, path = arg[1], tonumber(arg[2]), arg[3]
local rate, connections, seconds = tonumber(arg[4]), tonumber(arg[5]), tonumber(arg[6])
local total = math.floor(rate * seconds)

local lines = { 'GET ' .. path .. ' HTTP/1.1', 'Host: ' .. host .. ':' .. port }
for i = 7, #arg do lines[#lines + 1] = arg[i] end
local request = table.concat(lines, '\r\n') .. '\r\n\r\n'
local requestLength = #request

local clock = ffi.new('timespec')
-- Seconds, as a double: exact to less than a microsecond.
local function now()
  C.clock_gettime(MONOTONIC, clock)
  return tonumber(clock.seconds) + tonumber(clock.nanos) * 1e-9
end

-- Microseconds up to this are told apart; longer ones count as this.
local longest = 4000000
local times = ffi.new('uint32_t[?]', longest + 1)
local lags = ffi.new('uint32_t[?]', longest + 1)
local function count(histogram, from, to)
  local micros = math.floor((to - from) * 1e6)
  if micros < 0 then micros = 0 elseif micros > longest then micros = longest end
  histogram[micros] = histogram[micros] + 1
end
local function percentile(histogram, counted, share)
  local rank, seen = math.max(1, math.ceil(counted * share)), 0
  for micros = 0, longest do
    seen = seen + histogram[micros]
    if seen >= rank then return micros end
  end
  return 0
end

local bufferBytes = 64 * 1024
local buffer = ffi.new('uint8_t[?]', bufferBytes)
local sockets = ffi.new('int32_t[?]', connections)
local due = ffi.new('double[?]', connections)
local idleSince = ffi.new('double[?]', connections)
-- Of the answer that is being read: bytes still to come; -1 while its head is not complete.
local left = ffi.new('int64_t[?]', connections)
local heads = {}
local ofSocket = {}
-- Idle connections in a ring, those idle for longest first.
local ring = ffi.new('int32_t[?]', connections)
local ringStart, ringCount = 0, 0

local epoll = C.epoll_create1(0)
local eventType = ffi.arch == 'x64' and 'epoll_event_packed' or 'epoll_event_aligned'
local function watch(fd, events)
  local event = ffi.new(eventType)
  event.events, event.fd = events, fd
  assert(C.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, event) == 0, 'epoll_ctl failed')
end

local failures = { connect = 0, read = 0, write = 0, timeout = 0, status = 0 }
local sent, answered = 0, 0

local function open(i)
  local fd = C.socket(AF_INET, SOCK_STREAM, 0)
  local address = ffi.new('sockaddr_in')
  address.family, address.port = AF_INET, C.htons(port)
  assert(C.inet_pton(AF_INET, host, ffi.cast('uint8_t *', address) + 4) == 1, 'HOST has to be an IPv4 address')
  if C.connect(fd, address, ffi.sizeof(address)) ~= 0 then
    C.close(fd)
    failures.connect = failures.connect + 1
    return false
  end
  C.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, ffi.new('int[1]', 1), 4)
  sockets[i], left[i], heads[i] = fd, -1, ''
  ofSocket[fd] = i
  watch(fd, EPOLLIN)
  return true
end

local function toIdle(i, at)
  idleSince[i] = at
  ring[(ringStart + ringCount) % connections] = i
  ringCount = ringCount + 1
end

-- Its request counts as failed, and another connection takes its place: the case is invalid, but goes on.
local function fail(i, kind)
  failures[kind] = failures[kind] + 1
  ofSocket[sockets[i]] = nil
  C.close(sockets[i])
  if open(i) then toIdle(i, now()) end
end

-- Bytes that follow the head at `text`, which ends at `last`; nil when it does not say.
local function bodyLength(text, last)
  local found = text:sub(1, last):lower():match('\r\ncontent%-length:%s*(%d+)')
  return found and tonumber(found)
end

-- Heads of the same length and content are common: what they say is kept.
local lastHead, lastHeadEnd, lastBody, lastStatus = nil, 0, 0, 0

-- Takes `length` bytes of the buffer. Returns true at the end of an answer, or a kind of failure.
local function take(i, length)
  if left[i] >= 0 then
    left[i] = left[i] - length
  else
    local text = heads[i] .. ffi.string(buffer, length)
    if text ~= lastHead then
      local _, headEnd = text:find('\r\n\r\n', 1, true)
      if not headEnd then
        heads[i] = text
        return false
      end
      lastHead, lastHeadEnd, lastBody = text, headEnd, bodyLength(text, headEnd)
      lastStatus = tonumber(text:sub(10, 12)) or 0
    end
    heads[i] = ''
    if not lastBody then return 'read' end
    left[i] = lastHeadEnd + lastBody - #text
    if lastStatus < 200 or lastStatus >= 400 then failures.status = failures.status + 1 end
  end
  if left[i] < 0 then return 'read' end
  return left[i] == 0
end

local function read(i)
  local length = tonumber(C.recv(sockets[i], buffer, bufferBytes, MSG_DONTWAIT))
  if length < 0 then
    local code = ffi.errno()
    if code ~= EAGAIN and code ~= EINTR then fail(i, 'read') end
    return
  end
  if length == 0 then return fail(i, 'read') end
  local outcome = take(i, length)
  if outcome == false then return end
  if outcome ~= true then return fail(i, outcome) end
  local at = now()
  left[i] = -1
  answered = answered + 1
  count(times, due[i], at)
  toIdle(i, at)
end

local function sendDue(start)
  local at = now()
  while sent < total and ringCount > 0 do
    local dueAt = start + sent / rate
    if dueAt > at then return end
    local i = ring[ringStart]
    ringStart = (ringStart + 1) % connections
    ringCount = ringCount - 1
    -- The generator's own delay: from when the request was due and a connection was there for it.
    count(lags, math.max(dueAt, idleSince[i]), at)
    due[i] = dueAt
    sent = sent + 1
    -- It fits the socket's buffer, which is empty.
    if C.send(sockets[i], request, requestLength, MSG_NOSIGNAL) ~= requestLength then fail(i, 'write') end
    at = now()
  end
end

for i = 0, connections - 1 do if open(i) then toIdle(i, 0) end end
if ringCount == 0 then error('no connection to ' .. host .. ':' .. port, 0) end

-- Ticks each 50 µs. It runs on only when it is read.
local timer = C.timerfd_create(MONOTONIC, 0)
local tick = ffi.new('itimerspec')
tick.interval.nanos, tick.value.nanos = 50000, 50000
C.timerfd_settime(timer, 0, tick, nil)
watch(timer, EPOLLIN)

local batch = 128
local events = ffi.new(eventType .. '[?]', batch)
local start = now() + 0.01
local patience = start + seconds + 2
while now() < patience do
  local ready = C.epoll_wait(epoll, events, batch, 1000)
  for e = 0, ready - 1 do
    local fd = events[e].fd
    if fd == timer then
      C.read(timer, buffer, 8)
    else
      local i = ofSocket[fd]
      if i then read(i) end
    end
  end
  sendDue(start)
  if sent == total and ringCount == connections then break end
end
local finish = now()
failures.timeout = total - answered - failures.read - failures.write

io.write(string.format(
  'result {"requests":%d,"micros":%d,"p50Micros":%d,"p99Micros":%d,"p999Micros":%d,"lagP99Micros":%d,' ..
    '"failures":{"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d}}\n',
  answered, (finish - start) * 1e6, percentile(times, answered, 0.5), percentile(times, answered, 0.99),
  percentile(times, answered, 0.999), percentile(lags, sent, 0.99),
  failures.connect, failures.read, failures.write, failures.timeout, failures.status))
