import { type RedisScript, redisScript } from '../redis-script.ts';

/**
 * kombu's own script, character for character (kombu/transport/redis.py, BSD licence), so that servers that know Celery's scripts by digest know it too:
 * ef7a9e205fbaf46bf959e1522ff796622fc676c7. KEYS binding table, deadlines. ARGV member, exchange, lifetime (ms).
 */
export const REFRESH_BINDING: RedisScript = redisScript(`
redis.call('SADD', KEYS[1], ARGV[1])
local now = redis.call('TIME')
local ms = tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
redis.call('ZADD', KEYS[2], 'GT', ms + tonumber(ARGV[3]), ARGV[2])
`);

/** As above: 9a2b966a0a2d2d0e36ec32bc30fc89342b94a4bf. KEYS deadlines. ARGV prefix of tables, prefix of permanent sets, most at once. */
export const SWEEP_BINDINGS: RedisScript = redisScript(`
local now = redis.call('TIME')
local ms = tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
local overdue = redis.call(
    'ZRANGEBYSCORE', KEYS[1], '-inf', ms, 'LIMIT', 0, tonumber(ARGV[3]))
for _, exchange in ipairs(overdue) do
    if redis.call('EXISTS', ARGV[2] .. exchange) == 0 then
        redis.call('DEL', ARGV[1] .. exchange)
    end
    redis.call('ZREM', KEYS[1], exchange)
end
return #overdue
`);
