package io.ipsentry.fail2ban;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The jails of a configuration tree. Confined to one thread.
 *
 * <p>Everything is read when it is asked for; nothing is written or run.
 */
public final class JailTree {
  /** What Debian's package of fail2ban 1.0 calls itself; some values name it. */
  private static final String VERSION = "1.0.2";

  private static final String INCLUDES = "INCLUDES";

  private final ConfigTree tree;
  private final ConfigSections jails;
  private final double purgeSeconds;

  /**
   * Opens a tree.
   *
   * @param directory such as {@code /etc/fail2ban}
   * @throws Fail2banException when there is no {@code jail.conf} or {@code jail.local}, or it is
   *     not of the kind
   */
  public JailTree(Path directory, TreeFiles files) {
    tree = new ConfigTree(directory, files);
    jails =
        tree.sections("jail")
            .orElseThrow(() ->
                new Fail2banException("there is no jail.conf and no jail.local in " + directory));
    jails.setDefault("fail2ban_version", VERSION);
    jails.setDefault("fail2ban_confpath", directory.toString());
    purgeSeconds =
        tree.sections("fail2ban")
            .flatMap(main -> main.get(FilterReader.DEFINITION, "dbpurgeage", Map.of()))
            .map(TimeExpression::seconds)
            .orElse(86_400.0);
  }

  /** Names of all jails, in the order of the files. */
  public List<String> names() {
    return jails.names().stream().filter(name -> !name.equals(INCLUDES)).toList();
  }

  /** Names of the jails that are switched on. */
  public List<String> enabled() {
    List<String> enabled = new ArrayList<>();
    for (String name : names()) {
      if (truth(jails.get(name, "enabled", Map.of()).orElse("false"))) {
        enabled.add(name);
      }
    }
    return enabled;
  }

  /**
   * Reads a jail, whether it is switched on or not.
   *
   * @throws Fail2banException when there is none, or it cannot be used
   */
  public Jail jail(String name) {
    if (!names().contains(name)) {
      throw new Fail2banException(
          "there is no jail " + name + " in " + tree.directory() + "; it has: " + names());
    }
    return new JailReader(tree, jails, name, purgeSeconds).read();
  }

  /**
   * A filter by itself, as {@code fail2ban-regex} takes it.
   *
   * @param reference its name, with options in brackets or without
   * @throws Fail2banException when there is none, or it cannot be used
   */
  public static Filter filter(Path directory, TreeFiles files, String reference) {
    FilterReader reader =
        new FilterReader(new ConfigTree(directory, files), FilterReference.parse(reference), false);
    return FilterReader.filter(reader.options(new LinkedHashMap<>(), false));
  }

  static boolean truth(String text) {
    return List.of("1", "true", "yes", "on").contains(text.strip().toLowerCase(Locale.ROOT));
  }
}
