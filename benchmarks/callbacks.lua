-- wrk: send each prepared request once. Each thread takes its own part of the file; the argument names it.
-- A line is a path, a signature and a body, separated by tabs. What was measured is printed as JSON.
local threads = 0

function setup(thread)
  thread:set("part", threads)
  threads = threads + 1
end

function init(args)
  requests, at = {}, 0
  local number = 0
  for line in io.lines(args[1]) do
    if number % tonumber(args[2]) == part then
      local path, signature, body = line:match("^(.-)\t(.-)\t(.*)$")
      local headers = {
        ["Host"] = "localhost",
        ["User-Agent"] = "TwilioProxy/1.1",
        ["Accept"] = "*/*",
        ["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8",
        ["X-Twilio-Signature"] = signature,
      }
      requests[#requests + 1] = wrk.format("POST", path, headers, body)
    end
    number = number + 1
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout
  ))
end
