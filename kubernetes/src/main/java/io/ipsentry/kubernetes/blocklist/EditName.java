package io.ipsentry.kubernetes.blocklist;

import io.ipsentry.kubernetes.blocklist.BlocklistStore.Found;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Names a change of the ConfigMap: {@code uid/resourceVersion}, the {@code edit} of its events.
 *
 * @param uid of the object
 * @param version {@code resourceVersion}
 */
record EditName(String uid, String version) {
  /** Versions of an object are numbers that grow (KEP-5504); what is none is only equal or not. */
  private static final Pattern NUMBER = Pattern.compile("[0-9]{1,18}");

  static EditName of(Found found) {
    return new EditName(found.uid(), found.version());
  }

  /**
   * Whether it was carried out, or one after it, by what the log says.
   *
   * @param last {@code ActiveBans.lastEdit}
   */
  boolean isCarriedOut(Optional<String> last) {
    String known = last.orElse("");
    int slash = known.lastIndexOf('/');
    if (slash < 0 || !known.substring(0, slash).equals(uid)) {
      return false;
    }
    String other = known.substring(slash + 1);
    boolean numbers = NUMBER.matcher(version).matches() && NUMBER.matcher(other).matches();
    return numbers ? Long.parseLong(version) <= Long.parseLong(other) : version.equals(other);
  }

  /**
   * The version of this object that was carried out last and lies before this one; empty: that is
   * not known.
   *
   * @param last {@code ActiveBans.lastEdit}
   */
  Optional<String> carriedOutBefore(Optional<String> last) {
    EditName other = new EditName(uid, last.orElse("").replaceFirst(".*/", ""));
    return NUMBER.matcher(other.version).matches()
            && other.isCarriedOut(last)
            && !isCarriedOut(last)
            && NUMBER.matcher(version).matches()
        ? Optional.of(other.version)
        : Optional.empty();
  }

  @Override
  public String toString() {
    return uid + '/' + version;
  }
}
