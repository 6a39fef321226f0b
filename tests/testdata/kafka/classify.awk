# What is to be read from the lines that record.sh made, knowing who played there and with which topics: one line for each.
#
#   ALLOWED OPERATION CLIENT TOPIC, DENIED OPERATION CLIENT TOPIC    an access to a topic
#   other_resource, probe, illegal_topic                             an audit line that is none
#   -                                                                no audit line
BEGIN {
  split("sold orders shipped invoices-eu invoices-us payroll receipts __consumer_offsets __transaction_state", topics, " ")
  for (i in topics) is_topic[topics[i]] = 1
}

{
  if (!match($0, /Principal = User:(ANONYMOUS|admin|alice|report svc) is (Allowed|Denied) [Oo]peration = [A-Za-z_]+ from host = [0-9.]+ on resource = [A-Za-z]+:/)) {
    print "-"
    next
  }
  # Principals end before the last "is" of this part.
  split(substr($0, RSTART, RLENGTH - 1), part, " = ")
  resource = part[5]
  access = part[2] ~ / is Allowed / ? "ALLOWED" : "DENIED"
  sub(/ .*/, "", part[3])
  sub(/ .*/, "", part[4])
  name = substr($0, RSTART + RLENGTH)
  if (resource != "Topic") {
    print "other_resource"
  } else if (name ~ /^(UNKNOWN:NONE|LITERAL:hardcode) for request = InitProducerId with resourceRefCount = 0/) {
    print "probe"
  } else {
    sub(/^LITERAL:/, "", name)
    # A name with a line break has none of this behind it, one that imitates it has more than one. But AclAuthorizer's line, cut
    # at the break, is a whole line of its predecessor's.
    if (name == "two" && part[2] ~ /Operation$/) {
      is_topic[name] = 1
      name = name " for request = "
    }
    requests = gsub(/ for request = /, "\001", name)
    sub(/\001.*/, "", name)
    if (requests != 1 || !(name in is_topic)) {
      print "illegal_topic"
    } else {
      gsub(/[a-z][A-Z]/, "&\002", part[3])
      print access, operation(part[3]), part[4], name
    }
  }
}

# "DescribeConfigs" and "DESCRIBE_CONFIGS" are one; the map says PRODUCE and CONSUME.
function operation(word) {
  while (match(word, /[a-z][A-Z]\002/)) {
    word = substr(word, 1, RSTART) "_" substr(word, RSTART + 1, 1) substr(word, RSTART + 3)
  }
  word = toupper(word)
  return word == "WRITE" ? "PRODUCE" : word == "READ" ? "CONSUME" : word
}
