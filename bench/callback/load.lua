-- Sends the requests of a file, one after the other, and prints what came of it as one line of JSON.
-- Arguments: the file, and the size of each request in it.

local threads = {}
local file, size
wraps = 0 -- how often the file was read to its end; global, for done()

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  file = assert(io.open(args[1], "rb"))
  file:setvbuf("full", 1048576)
  size = tonumber(args[2])
end

function request()
  local message = file:read(size)
  if not message then
    wraps = wraps + 1
    file:seek("set", 0)
    message = file:read(size)
  end
  return message
end

function done(summary, latency, _)
  local errors = summary.errors
  local wrapped = 0
  for _, thread in ipairs(threads) do
    wrapped = wrapped + thread:get("wraps")
  end
  io.write(string.format(
    '{"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "max_ms": %f, '
      .. '"bad_status": %d, "socket_errors": %d, "wraps": %d}\n',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout, wrapped
  ))
end
