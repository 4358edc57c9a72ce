import { type RedisScript, redisScript } from '../redis-script.ts';

/** KEYS the lists of some queues, as many for each as ARGV[1] says. For each queue its length, or the text of its error. */
export const SUM_LENGTHS: RedisScript = redisScript(`
local each = tonumber(ARGV[1])
local sums = {}
for first = 1, #KEYS, each do
    local sum = 0
    for at = first, first + each - 1 do
        local length = redis.pcall('LLEN', KEYS[at])
        if type(length) == 'table' then
            sum = length.err
            break
        end
        sum = sum + length
    end
    sums[#sums + 1] = sum
end
return sums
`);
