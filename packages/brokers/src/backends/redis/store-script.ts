import { type RedisScript, redisScript } from '../../transports/redis/redis-script.ts';

/**
 * Stores results and tells their channels, which are named like their keys. A standing SUCCESS stays.
 * KEYS result keys. ARGV seconds to keep (0 = for ever), then per key `1` to write in any case or `0`, and the record.
 * Replies per key 1 stored, 0 a SUCCESS stood, 2 unclear: the standing record does not begin as Celery writes it.
 */
export const STORE_RESULTS: RedisScript = redisScript(`
local out = {}
for i, key in ipairs(KEYS) do
  local force, record = ARGV[2 * i], ARGV[2 * i + 1]
  local standing = force == '0' and redis.call('GET', key)
  local verdict = 1
  if standing and standing ~= record then
    local status = string.match(string.sub(standing, 1, 64), '^{"status": "([^"]*)"')
    if status == 'SUCCESS' then verdict = 0 elseif not status then verdict = 2 end
  end
  if verdict == 1 then
    if ARGV[1] == '0' then redis.call('SET', key, record) else redis.call('SETEX', key, ARGV[1], record) end
    redis.call('PUBLISH', key, record)
  end
  out[i] = verdict
end
return out
`);
