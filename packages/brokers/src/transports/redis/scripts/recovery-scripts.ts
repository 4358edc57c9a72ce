import { type RedisScript, redisScript } from '../redis-script.ts';
import { RAW_FUNCTIONS } from './settle-scripts.ts';

/**
 * Puts back one page of the claims of one owner whose lease has ended: pushed, and only then forgotten, in one step. What cannot be pushed is parked
 * for a minute. KEYS owners, unacked, unacked_index, due, due buckets. ARGV prefix of claims, page.
 * Replies {restored, 1 where more is left, owner or '', 1 where the owner is done}.
 */
export const RECOVER: RedisScript = redisScript(`${RAW_FUNCTIONS}
local t = redis.call('TIME')
local nowMs = t[1] * 1000 + math.floor(t[2] / 1000)
local owner = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', nowMs), 'LIMIT', 0, 1)[1]
if not owner then return {0, 0, '', 0} end
redis.call('ZADD', KEYS[1], 0, owner)
local claims = ARGV[1] .. owner
local page, found, cursor = tonumber(ARGV[2]), {}, '0'
repeat
  local scan = redis.call('HSCAN', claims, cursor, 'COUNT', page)
  cursor = scan[1]
  for i = 1, #scan[2], 2 do found[#found + 1] = {scan[2][i], scan[2][i + 1]} end
until cursor == '0' or #found >= page
local function order(tag) return tonumber(string.match(tag, '(%d+)$') or 0) end
table.sort(found, function(a, b) return order(a[1]) > order(b[1]) end)
local restored = 0
for _, pair in ipairs(found) do
  local tag, claim = pair[1], pair[2]
  local entry = redis.call('HGET', KEYS[2], tag)
  local started, length, bucket = string.match(claim, '^(.)(%d+) (.*)$')
  if entry and bucket then
    local lost = 0
    if started == '1' then lost = 1 end
    local pushed = redis.pcall('RPUSH', bucket, marked(rawOf(entry, tonumber(length)), 1, lost))
    if type(pushed) == 'table' then
      redis.call('ZADD', KEYS[4], t[1] + 60, tag)
      redis.call('HSET', KEYS[5], tag, string.sub(claim, 2))
      redis.call('HDEL', claims, tag)
    else
      forget(KEYS[2], KEYS[3], claims, tag)
      restored = restored + 1
    end
  else
    redis.call('HDEL', claims, tag)
  end
end
local done = 0
if redis.call('EXISTS', claims) == 0 then
  redis.call('ZREM', KEYS[1], owner)
  done = 1
end
local more = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', nowMs), 'LIMIT', 0, 1)[1]
return {restored, more and 1 or 0, owner, done}
`);

/**
 * Moves what is due back to the head of its bucket, the earliest first. What a peer has already restored is only forgotten.
 * KEYS unacked, unacked_index, due, due buckets. ARGV most at once. Replies {moved, ms until the next or ''}.
 */
export const MOVE_DUE: RedisScript = redisScript(`${RAW_FUNCTIONS}
local t = redis.call('TIME')
local now = t[1] .. '.' .. string.format('%06d', tonumber(t[2]))
local tags = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, tonumber(ARGV[1]))
local moved = 0
for i = #tags, 1, -1 do
  local tag = tags[i]
  local entry, place = redis.call('HGET', KEYS[1], tag), redis.call('HGET', KEYS[4], tag)
  local isGone = true
  if entry and place then
    local length, bucket = string.match(place, '^(%d+) (.*)$')
    local pushed = redis.pcall('RPUSH', bucket, rawOf(entry, tonumber(length)))
    if type(pushed) == 'table' then
      redis.call('ZADD', KEYS[3], t[1] + 60, tag)
      isGone = false
    else
      redis.call('HDEL', KEYS[1], tag)
      redis.call('ZREM', KEYS[2], tag)
      moved = moved + 1
    end
  end
  if isGone then
    redis.call('ZREM', KEYS[3], tag)
    redis.call('HDEL', KEYS[4], tag)
  end
end
local next = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')[2]
if not next then return {moved, ''} end
return {moved, string.format('%.0f', math.max(0, math.ceil((next - t[1]) * 1000 - t[2] / 1000)))}
`);
