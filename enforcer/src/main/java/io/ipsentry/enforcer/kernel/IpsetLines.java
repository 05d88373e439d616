package io.ipsentry.enforcer.kernel;

import io.ipsentry.net.IpPrefix;
import java.io.IOException;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** Writes changes as lines for {@code ipset restore -exist}. One thread at a time. */
final class IpsetLines implements SetCommands {
  private final AsciiOutput out;
  private final Map<String, String> makes;
  private final Set<String> introduced = new HashSet<>();

  /**
   * @param makes of sets that are there: what follows their name in the line that would create them
   */
  IpsetLines(AsciiOutput out, Map<String, String> makes) {
    this.out = out;
    this.makes = makes;
  }

  @Override
  public void add(String set, IpPrefix prefix, long timeoutSeconds) throws IOException {
    introduce(set);
    out.text("add ").text(set).text(" ").prefix(prefix);
    out.text(" timeout ").number(timeoutSeconds).text("\n");
  }

  @Override
  public void remove(String set, IpPrefix prefix) throws IOException {
    introduce(set);
    out.text("del ").text(set).text(" ").prefix(prefix).text("\n");
  }

  /**
   * The set is "created" before its first element. It is there already, which {@code -exist}
   * allows; but only of a set that ipset has created itself does it know the type. Else it asks the
   * kernel at every element, and a million take twice as long.
   */
  private void introduce(String set) throws IOException {
    String make = introduced.add(set) ? makes.get(set) : null;
    if (make != null) {
      out.text("create ").text(set).text(make).text("\n");
    }
  }
}
