"""The atomic steps of one session, as Lua. Every key a script touches carries the session's hash tag.

The head is one string: a state letter ("l" live, or how it ended: "t", "k", "o"), the 22 characters of the record's
current name, the sealed card. A live head without a record is a session that ended by time.
"""

CREATE = """
local living = redis.call('SET', KEYS[1], ARGV[2], 'NX')
if not living then return redis.call('EXISTS', KEYS[2]) end
if tonumber(ARGV[4]) > 0 then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
redis.call('SET', KEYS[2], ARGV[1])
if tonumber(ARGV[3]) > 0 then redis.call('PEXPIRE', KEYS[2], ARGV[3]) end
return 1
"""

# A repeated command (the answer got lost, the client sent it again) finds the new name in place and says yes.
REPLACE = """
local head = redis.call('GET', KEYS[1])
if not head or string.sub(head, 1, 1) ~= 'l' then return 0 end
local current = string.sub(head, 2, 23)
if current == ARGV[2] then return 1 end
if current ~= ARGV[1] or redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
redis.call('SET', KEYS[3], ARGV[3])
if tonumber(ARGV[4]) > 0 then redis.call('PEXPIRE', KEYS[3], ARGV[4]) end
redis.call('DEL', KEYS[2])
redis.call('SET', KEYS[1], 'l' .. ARGV[2] .. string.sub(head, 24), 'KEEPTTL')
return 1
"""

# A uuid without a head may be listed and about to be created: the tombstone makes that creation fail.
END = """
local head = redis.call('GET', KEYS[1])
local prefix, ending, keep = ARGV[1], ARGV[2], ARGV[3]
if not head then
  redis.call('SET', KEYS[1], ending .. string.rep('-', 22), 'PX', keep)
  return nil
end
if string.sub(head, 1, 1) ~= 'l' then return nil end
local current, card = string.sub(head, 2, 23), string.sub(head, 24)
local lived = redis.call('DEL', prefix .. 's:' .. current)
for _, grant in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do redis.call('DEL', prefix .. 'g:' .. grant) end
redis.call('DEL', KEYS[2], KEYS[3])
redis.call('SET', KEYS[1], ending .. current, 'PX', keep)
if lived == 0 then return nil end
redis.call('PUBLISH', ARGV[4], ARGV[5] .. card)
return card
"""

LOOK = """
local head = redis.call('GET', KEYS[1])
if not head or string.sub(head, 1, 1) ~= 'l' then return nil end
local left = redis.call('PTTL', ARGV[1] .. 's:' .. string.sub(head, 2, 23))
if left == -2 then return nil end
return {string.sub(head, 24), left}
"""

GRANT = """
local head = redis.call('GET', KEYS[1])
if not head or string.sub(head, 1, 23) ~= 'l' .. ARGV[2] then return 0 end
if redis.call('EXISTS', ARGV[1] .. 's:' .. ARGV[2]) == 0 then return 0 end
redis.call('SET', KEYS[3], ARGV[4], 'PX', ARGV[5])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[6])
redis.call('ZADD', KEYS[2], ARGV[6] + ARGV[5], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
return 1
"""

REDEEM = """
local head = redis.call('GET', KEYS[1])
if not head or string.sub(head, 1, 1) ~= 'l' then return nil end
if redis.call('EXISTS', ARGV[1] .. 's:' .. string.sub(head, 2, 23)) == 0 then return nil end
return redis.call('GET', KEYS[2])
"""

# ARGV[5] is how many records of that name must exist: 0 keeps the POST of a dead session, 1 that of a live one.
KEEP_POST = """
local head = redis.call('GET', KEYS[1])
if not head or string.sub(head, 1, 23) ~= 'l' .. ARGV[2] then return 0 end
if redis.call('EXISTS', ARGV[1] .. 's:' .. ARGV[2]) ~= tonumber(ARGV[5]) then return 0 end
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])
local left = redis.call('PTTL', KEYS[1])
if left >= 0 and left < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return 1
"""

POST = """
local head = redis.call('GET', KEYS[1])
if not head or string.sub(head, 1, 1) ~= 'l' then return nil end
local post = redis.call('GET', KEYS[2])
if not post then return nil end
if ARGV[1] == '1' then redis.call('DEL', KEYS[2]) end
return {post, string.sub(head, 24)}
"""

# A head whose record is gone stays a while: the POST of a forgotten tab may still come.
FORGET = """
local head = redis.call('GET', KEYS[1])
if not head or string.sub(head, 1, 1) ~= 'l' then return 1 end
if redis.call('EXISTS', ARGV[1] .. 's:' .. string.sub(head, 2, 23)) == 1 then return 0 end
local left = redis.call('PTTL', KEYS[1])
if left == -1 or left > tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
"""

# The count and the addition are one step: two logins at once cannot both take the last place.
ENLIST = """
local member, limit = ARGV[1], tonumber(ARGV[3])
if limit > 0 and not redis.call('ZSCORE', KEYS[1], member) then
  local surface, count, dead = string.match(member, '^[^:]*:'), 0, {}
  for at = 5, #ARGV do dead[ARGV[at]] = true end
  for _, other in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    if string.sub(other, 1, #surface) == surface and not dead[other] then count = count + 1 end
  end
  if count >= limit then return 0 end
end
redis.call('ZADD', KEYS[1], ARGV[2], member)
if tonumber(ARGV[4]) > 0 then
  local left = redis.call('PTTL', KEYS[1])
  if left ~= -1 or redis.call('ZCARD', KEYS[1]) == 1 then
    if left < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
  end
else
  redis.call('PERSIST', KEYS[1])
end
return 1
"""
