import { type RedisScript, redisScript } from '../redis-script.ts';
import { REDELIVERY_MARKS } from './settle-scripts.ts';

/**
 * Enters the owner with a lease. KEYS owners. ARGV owner, lease (ms).
 */
export const REGISTER_OWNER: RedisScript = redisScript(`
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2]), ARGV[1])
return 1
`);

/**
 * Renews the lease; 0 where it was given up or taken away. KEYS owners. ARGV owner, lease (ms).
 */
export const RENEW_OWNER: RedisScript = redisScript(`
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score or tonumber(score) == 0 then return 0 end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2]), ARGV[1])
return 1
`);

/**
 * Ends an owner: forgotten where it holds nothing, else marked so that its claims are put back at once. KEYS owners, claims. ARGV owner.
 */
export const END_OWNER: RedisScript = redisScript(`
if redis.call('EXISTS', KEYS[2]) == 0 then
  redis.call('ZREM', KEYS[1], ARGV[1])
  return 0
end
redis.call('ZADD', KEYS[1], 0, ARGV[1])
return 1
`);

/**
 * Takes messages and records them, in one step.
 * KEYS unacked, unacked_index, owners, claims of the owner, then buckets by step, then by queue.
 * ARGV owner, tag base, first counter, how many, how many start at once, most bytes, number of queues, 1 = share fairly, then per queue its suffix.
 * Replies {lease lost?, came up short?, wrong key or false, bucket number, message, bucket number, message, ...}. It never parses a message.
 * A message with redelivery marks is never noted as started here: it may have to wait for others, and its start is recorded when it comes.
 * When it comes up short it reads the length of every bucket, which arms CLIENT TRACKING for them.
 */
export const CLAIM: RedisScript = redisScript(`
local lease = redis.call('ZSCORE', KEYS[3], ARGV[1])
if not lease or tonumber(lease) == 0 then return {1, 0, false} end
-- Keys of a wrong type must fail before anything is popped.
redis.call('HEXISTS', KEYS[1], '')
redis.call('ZSCORE', KEYS[2], '')
redis.call('HEXISTS', KEYS[4], '')
local base, counter = ARGV[2], tonumber(ARGV[3])
local want, starts, bytes = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local queues, fair = tonumber(ARGV[7]), ARGV[8] == '1'
local steps = (#KEYS - 4) / queues
local out = {0, 0, false}
local taken, largest = 0, 262144
local now = redis.call('TIME')
local score = now[1] .. '.' .. string.format('%06d', tonumber(now[2]))
local function take(queue, step, most)
  local number = (step - 1) * queues + queue
  local key, suffix = KEYS[4 + number], ARGV[8 + queue]
  local got = 0
  while got < most and bytes > 0 do
    local n = math.min(most - got, math.max(1, math.floor(bytes / largest)), 64)
    local popped = redis.pcall('RPOP', key, n)
    if not popped then return got, true end
    if popped.err then
      out[3] = key
      return got, true
    end
    local unacked, index, claims = {}, {}, {}
    largest = 512
    for i, raw in ipairs(popped) do
      local tag = base .. counter
      local started = '0'
      if taken < starts and string.sub(raw, 1, ${REDELIVERY_MARKS.length}) ~= '${REDELIVERY_MARKS}' then started = '1' end
      counter = counter + 1
      taken = taken + 1
      unacked[#unacked + 1] = tag
      unacked[#unacked + 1] = '[' .. raw .. suffix
      index[#index + 1] = score
      index[#index + 1] = tag
      claims[#claims + 1] = tag
      claims[#claims + 1] = started .. #suffix .. ' ' .. key
      out[#out + 1] = number
      out[#out + 1] = raw
      bytes = bytes - #raw
      if #raw > largest then largest = #raw end
    end
    redis.call('HSET', KEYS[1], unpack(unacked))
    redis.call('ZADD', KEYS[2], unpack(index))
    redis.call('HSET', KEYS[4], unpack(claims))
    got = got + #popped
    if #popped < n then return got, true end
  end
  return got, false
end
for step = 1, steps do
  local again = {}
  for queue = 1, queues do
    local share = want
    if fair then share = math.ceil(want / (queues - queue + 1)) end
    if share > 0 and bytes > 0 then
      local got, isEmpty = take(queue, step, share)
      want = want - got
      if not isEmpty then again[#again + 1] = queue end
    end
  end
  for _, queue in ipairs(again) do
    if want > 0 and bytes > 0 then want = want - take(queue, step, want) end
  end
end
if want > 0 and bytes > 0 then
  out[2] = 1
  for i = 5, #KEYS do redis.pcall('LLEN', KEYS[i]) end
end
return out
`);

/**
 * Reads what a claim took whose answer got lost. KEYS unacked, claims. ARGV tag base, first counter, how many.
 * Replies {counter, started + suffix length + bucket, unacked entry, ...}.
 */
export const ADOPT: RedisScript = redisScript(`
local out = {}
for counter = tonumber(ARGV[2]), ARGV[2] + ARGV[3] - 1 do
  local tag = ARGV[1] .. counter
  local claim = redis.call('HGET', KEYS[2], tag)
  local entry = claim and redis.call('HGET', KEYS[1], tag)
  if entry then
    out[#out + 1] = counter
    out[#out + 1] = claim
    out[#out + 1] = entry
  end
end
return out
`);

/** Moves the claim time of held claims to now, so that no peer's sweep takes them. KEYS unacked_index. ARGV tags. */
export const REFRESH_CLAIMS: RedisScript = redisScript(`
local now = redis.call('TIME')
local score = now[1] .. '.' .. string.format('%06d', tonumber(now[2]))
local args = {}
for i, tag in ipairs(ARGV) do
  args[#args + 1] = score
  args[#args + 1] = tag
end
return redis.call('ZADD', KEYS[1], 'XX', unpack(args))
`);
