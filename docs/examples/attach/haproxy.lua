-- HAProxy asks ip-sentry (authz.http) about a request; see haproxy.cfg. Needs HAProxy 2.5 or newer with Lua.
-- Sets txn.ip_sentry to "allowed", "banned" or "unavailable", and txn.ip_sentry_ban_id.
local address = "http://127.0.0.1:9002/forward-auth"
local timeout_ms = 200

core.register_action("ip_sentry", { "http-req" }, function(txn)
  local path = txn.sf:path()
  local query = txn.sf:query()
  local headers = {
    ["x-forwarded-for"] = { txn.sf:src() },
    ["x-forwarded-method"] = { txn.sf:method() },
    ["x-forwarded-host"] = { txn.sf:req_hdr("host") or "" },
    ["x-forwarded-uri"] = { query ~= "" and path .. "?" .. query or path },
    ["user-agent"] = { txn.sf:req_hdr("user-agent") or "" },
  }
  local answer = core.httpclient():get{ url = address, headers = headers, timeout = timeout_ms }
  local verdict = "unavailable"
  if answer and answer.status == 200 then
    verdict = "allowed"
  elseif answer and answer.headers and answer.headers["x-ip-sentry"]
      and answer.headers["x-ip-sentry"][0] == "banned" then
    verdict = "banned"
    local id = answer.headers["x-ip-sentry-ban-id"]
    txn:set_var("txn.ip_sentry_ban_id", id and id[0] or "")
  end
  txn:set_var("txn.ip_sentry", verdict)
end)
