import { type RedisScript, redisScript } from '../redis-script.ts';

/** What a message with redelivery marks begins with. */
export const REDELIVERY_MARKS = '{"celeriac": [';

/** Cuts the message out of an `unacked` entry and counts in its marks, the fixed prefix that protocol's decodeRedisEnvelope knows. */
export const RAW_FUNCTIONS = `
local function rawOf(entry, suffixLength)
  return string.sub(entry, 2, -(suffixLength + 1))
end
local function marked(raw, redelivered, lost)
  local r, l, rest = string.match(raw, '^{"celeriac": %[(%d+),(%d+)%], ()')
  if not r then
    if not string.find(raw, '^{%s*"') then return raw end
    r, l, rest = 0, 0, 2
  end
  return '{"celeriac": [' .. string.format('%.0f,%.0f', r + redelivered, l + lost) .. '], ' .. string.sub(raw, rest)
end
local function unmarked(raw)
  local rest = string.match(raw, '^{"celeriac": %[%d+,%d+%], ()')
  if rest then return '{' .. string.sub(raw, rest) end
  return raw
end
local function forget(unacked, index, claims, tag)
  redis.call('HDEL', unacked, tag)
  redis.call('ZREM', index, tag)
  redis.call('HDEL', claims, tag)
end
`;

/** Done with them. KEYS unacked, unacked_index, claims. ARGV tags. Replies with 1 where all were ours, else a list of 1 and 0. */
export const ACK: RedisScript = redisScript(`
local all, each = true, {}
for i, tag in ipairs(ARGV) do
  each[i] = redis.call('HDEL', KEYS[1], tag)
  if each[i] == 0 then all = false end
end
redis.call('ZREM', KEYS[2], unpack(ARGV))
redis.call('HDEL', KEYS[3], unpack(ARGV))
if all then return 1 end
return each
`);

/** Records starts. KEYS claims. ARGV tags. Replies as ACK. */
export const START: RedisScript = redisScript(`
local all, each = true, {}
for i, tag in ipairs(ARGV) do
  local claim = redis.call('HGET', KEYS[1], tag)
  if claim then
    redis.call('HSET', KEYS[1], tag, '1' .. string.sub(claim, 2))
    each[i] = 1
  else
    each[i] = 0
    all = false
  end
end
if all then return 1 end
return each
`);

/**
 * Gives them back to the head, so that the last given is the first handed out. KEYS unacked, unacked_index, claims.
 * ARGV tag, by how much to count redeliveries and losses, ... Replies as ACK.
 */
export const GIVE_BACK: RedisScript = redisScript(`${RAW_FUNCTIONS}
local all, each = true, {}
for i = 1, #ARGV, 3 do
  local tag, at = ARGV[i], (i + 2) / 3
  local claim, entry = redis.call('HGET', KEYS[3], tag), redis.call('HGET', KEYS[1], tag)
  each[at] = 0
  if claim and entry then
    local length, bucket = string.match(claim, '^.(%d+) (.*)$')
    local raw = rawOf(entry, tonumber(length))
    if ARGV[i + 1] ~= '0' then raw = marked(raw, tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])) end
    local pushed = redis.pcall('RPUSH', bucket, raw)
    if type(pushed) == 'table' then
      each[at] = pushed.err
    else
      forget(KEYS[1], KEYS[2], KEYS[3], tag)
      each[at] = 1
    end
  end
  if each[at] ~= 1 then all = false end
end
if all then return 1 end
return each
`);

/**
 * Puts them away until due. They stay in unacked without an owner, with the index score that makes any peer's sweep restore them when due.
 * KEYS unacked, unacked_index, claims, due, due buckets. ARGV tag, due (epoch s), due less visibility timeout, ... Replies as ACK.
 */
export const PARK: RedisScript = redisScript(`
local all, each = true, {}
for i = 1, #ARGV, 3 do
  local tag, at = ARGV[i], (i + 2) / 3
  local claim = redis.call('HGET', KEYS[3], tag)
  if claim and redis.call('HEXISTS', KEYS[1], tag) == 1 then
    redis.call('ZADD', KEYS[2], ARGV[i + 2], tag)
    redis.call('ZADD', KEYS[4], ARGV[i + 1], tag)
    redis.call('HSET', KEYS[5], tag, string.sub(claim, 2))
    redis.call('HDEL', KEYS[3], tag)
    each[at] = 1
  else
    each[at] = 0
    all = false
  end
end
if all then return 1 end
return each
`);

/**
 * Moves one to its quarantine, the oldest making room. KEYS unacked, unacked_index, claims, entries, index, counts.
 * ARGV tag, head line of the entry, most entries, most bytes. Replies {1 or 0, number dropped}.
 */
export const QUARANTINE: RedisScript = redisScript(`${RAW_FUNCTIONS}
local tag = ARGV[1]
local claim, entry = redis.call('HGET', KEYS[3], tag), redis.call('HGET', KEYS[1], tag)
if not claim or not entry then return {0, 0} end
local length = string.match(claim, '^.(%d+) ')
local text = ARGV[2] .. '\\n' .. unmarked(rawOf(entry, tonumber(length)))
local t = redis.call('TIME')
redis.call('HSET', KEYS[4], tag, text)
redis.call('ZADD', KEYS[5], string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000)), tag)
local bytes = redis.call('HINCRBY', KEYS[6], 'bytes', #text)
forget(KEYS[1], KEYS[2], KEYS[3], tag)
local dropped = 0
while redis.call('ZCARD', KEYS[5]) > tonumber(ARGV[3]) or bytes > tonumber(ARGV[4]) do
  local oldest = redis.call('ZRANGE', KEYS[5], 0, 0)[1]
  if not oldest or oldest == tag then break end
  local old = redis.call('HGET', KEYS[4], oldest)
  bytes = redis.call('HINCRBY', KEYS[6], 'bytes', -#(old or ''))
  redis.call('HDEL', KEYS[4], oldest)
  redis.call('ZREM', KEYS[5], oldest)
  dropped = dropped + 1
end
if dropped > 0 then redis.call('HINCRBY', KEYS[6], 'dropped', dropped) end
return {1, dropped}
`);

/** Takes an entry out of quarantine, back to its bucket where one is given. KEYS entries, index, counts [, bucket]. ARGV key. Replies 1 or 0. */
export const LEAVE_QUARANTINE: RedisScript = redisScript(`
local text = redis.call('HGET', KEYS[1], ARGV[1])
if not text then return 0 end
if KEYS[4] then redis.call('LPUSH', KEYS[4], string.sub(text, string.find(text, '\\n', 1, true) + 1)) end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HINCRBY', KEYS[3], 'bytes', -#text)
return 1
`);

/** The oldest entries without their messages, which may be long. KEYS entries, index. ARGV most. Replies {key, time, head line, length of the message} for each. */
export const LIST_QUARANTINE: RedisScript = redisScript(`
local found, listed = redis.call('ZRANGE', KEYS[2], 0, tonumber(ARGV[1]) - 1, 'WITHSCORES'), {}
for i = 1, #found, 2 do
  local text = redis.call('HGET', KEYS[1], found[i])
  if text then
    local stop = string.find(text, '\\n', 1, true) or 0
    listed[#listed + 1] = {found[i], found[i + 1], string.sub(text, 1, stop - 1), #text - stop}
  end
end
return listed
`);
