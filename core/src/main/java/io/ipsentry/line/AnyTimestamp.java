package io.ipsentry.line;

/**
 * A stamp in whichever of the known forms it is written: RFC 3339, Common Log Format, a number
 * since the epoch, or syslog.
 */
final class AnyTimestamp implements TimestampFormat {
  private final TimestampFormat clf = new ClfTimestamp();
  private final TimestampFormat epoch = new EpochTimestamp();
  private final TimestampFormat iso;
  private final TimestampFormat syslog;

  AnyTimestamp(LocalZone zone) {
    iso = new IsoTimestamp(zone);
    syslog = new SyslogTimestamp(zone);
  }

  @Override
  public long parse(byte[] b, int from, int to) {
    int length = to - from;
    if (length == 0) {
      return RequestFacts.NO_TIME;
    }
    if (length == ClfTimestamp.LENGTH && b[from + 2] == '/') {
      return clf.parse(b, from, to);
    }
    if (length > 5 && b[from + 4] == '-') {
      return iso.parse(b, from, to);
    }
    if (b[from] >= '0' && b[from] <= '9') {
      return epoch.parse(b, from, to);
    }
    return syslog.parse(b, from, to);
  }
}
