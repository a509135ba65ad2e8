-- wrk -s wrk.lua … -- BODYBYTES: POSTs a body of that many bytes, GETs with 0; prints the result as one line of JSON.

function init(args)
  local bytes = tonumber(args[1] or "0")
  if bytes > 0 then
    wrk.method = "POST"
    wrk.body = string.rep("x", bytes)
    wrk.headers["Content-Type"] = "application/octet-stream"
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
