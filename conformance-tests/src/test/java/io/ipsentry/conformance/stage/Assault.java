package io.ipsentry.conformance.stage;

import io.ipsentry.conformance.stage.Offender.Way;
import io.ipsentry.stage.LoggedLine;
import io.ipsentry.stage.Stage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/** An attack that does not end: all who have begun, and new ones. Confined to one thread. */
final class Assault implements AutoCloseable {
  private static final String CLIENT = "\"client\":\"";

  private final Stage stage;
  private final Attackers attackers;
  private final Map<String, Offender> byAddress = new ConcurrentHashMap<>();
  private final List<Offender> all = new ArrayList<>();
  private final Consumer<LoggedLine> listener = this::line;

  Assault(Stage stage, Attackers attackers) {
    this.stage = stage;
    this.attackers = attackers;
    stage.onLine(listener);
  }

  /** Of each way one, and one who sends exactly as many requests as a ban takes. */
  List<Offender> wave() {
    return List.of(
        begin(Way.REQUEST, false),
        begin(Way.LINE, false),
        begin(Way.LOGIN, false),
        begin(Way.REQUEST, true));
  }

  /** One more attacks. */
  Offender begin(Way way, boolean isExact) {
    int number = all.size();
    String address = attackers.next(number % 2 == 1);
    Offender begun = Offender.begin(stage, address, way, isExact, number);
    byAddress.put(address, begun);
    all.add(begun);
    return begun;
  }

  /** All who ever began. */
  List<Offender> all() {
    return List.copyOf(all);
  }

  private void line(LoggedLine logged) {
    int at = logged.line().indexOf(CLIENT);
    if (at >= 0) {
      int from = at + CLIENT.length();
      Offender of = byAddress.get(logged.line().substring(from, logged.line().indexOf('"', from)));
      if (of != null) {
        of.line(logged.line());
      }
    }
  }

  @Override
  public void close() {
    all.forEach(Offender::leave);
    stage.offLine(listener);
  }
}
