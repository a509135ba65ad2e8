-- wrk -s wrk.lua … -- BODYBYTES same|varied: POSTs a body of that many bytes, GETs with 0; prints the result as one line of JSON.
--
-- varied: GETs of /items/ID/part-N?… below the URL's path, with 8 fields, made beforehand; no two of them are equal.

local variants = 2048
local parts = 32
local requests, last = {}, 0

local function hex(digits)
  local text = {}
  for i = 1, digits do text[i] = string.format('%x', math.random(0, 15)) end
  return table.concat(text)
end

local function makeRequests()
  math.randomseed(4711)
  local path = wrk.path
  for i = 1, variants do
    requests[i] = wrk.format('GET', string.format(
      '%s/items/%d/part-%d?page=%d&fields=name,price', path, 100000 + 7919 * i, i * 7 % parts, i % 9), {
      ['Host'] = wrk.headers['Host'],
      ['User-Agent'] = 'shop-app/7.3.1 (Linux; 6.1)',
      ['Accept'] = 'application/json',
      ['Accept-Encoding'] = 'gzip, br',
      ['Accept-Language'] = 'en-GB,en;q=0.9',
      ['Authorization'] = 'Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MjcifQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbi1oZXJl',
      ['Cookie'] = 'session=' .. hex(32) .. '; theme=dark',
      ['traceparent'] = '00-' .. hex(32) .. '-' .. hex(16) .. '-01',
    })
  end
end

local function nextRequest()
  last = last % variants + 1
  return requests[last]
end

function init(args)
  local bytes = tonumber(args[1] or '0')
  if bytes > 0 then
    wrk.method = 'POST'
    wrk.body = string.rep('x', bytes)
    wrk.headers['Content-Type'] = 'application/octet-stream'
  end
  -- Where there is a global of this name, wrk asks it for every request.
  if args[2] == 'varied' then
    makeRequests()
    request = nextRequest
  end
end

-- Times are microseconds here.
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\nresult {"requests":%d,"micros":%d,"p50Micros":%d,"p99Micros":%d,"p999Micros":%d,' ..
      '"failures":{"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d}}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency:percentile(99.9),
    errors.connect, errors.read, errors.write, errors.timeout, errors.status))
end
