package io.ipsentry.net;

/** Why a text is no address. Constants, so that refusing one allocates nothing. */
enum Rejection {
  NONE("", ""),
  EMPTY("it is empty", "write an address such as 192.0.2.1 or 2001:db8::1"),
  V4_PARTS("IPv4 has exactly four numbers", "write it as 192.0.2.1"),
  V4_OCTET("a number of an IPv4 address is not 0 to 255", "write it as 192.0.2.1"),
  V4_LEADING_ZERO(
      "a number with a leading zero may be octal or decimal", "write it without leading zeros"),
  V4_CHARACTER(
      "it has characters that no address has",
      "write an address such as 192.0.2.1; names are never looked up"),
  V6_CHARACTER("it has characters that no IPv6 address has", "write it as 2001:db8::1"),
  V6_GROUP("a group of an IPv6 address has more than four digits", "write it as 2001:db8::1"),
  V6_GROUPS("IPv6 has exactly eight groups, or fewer with one ::", "write it as 2001:db8::1"),
  V6_DOUBLE_GAP("an IPv6 address may have one :: only", "write it as 2001:db8::1"),
  V6_COLON("a single : may not begin or end an IPv6 address", "write it as 2001:db8::1"),
  V6_ZONE("it has a zone", "leave out % and what follows"),
  HOST_BRACKET("a [ has no ] or nothing that fits behind it", "write it as [2001:db8::1]:443"),
  HOST_PORT("the port is not 0 to 65535", "write it as 192.0.2.1:443 or leave it out"),
  LENGTH("the prefix length is not a number", "write it as 192.0.2.0/24 or 2001:db8::/32"),
  LENGTH_RANGE("the prefix length is too large", "use 0 to 32 for IPv4 and 0 to 128 for IPv6");

  final String reason;
  final String mend;

  Rejection(String reason, String mend) {
    this.reason = reason;
    this.mend = mend;
  }
}
