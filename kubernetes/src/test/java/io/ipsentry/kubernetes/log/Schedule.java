package io.ipsentry.kubernetes.log;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * Runs actors one at a time, and decides by a seed which goes on at each of their steps. So the
 * same seed gives the same run, though the actors are plain blocking code.
 */
final class Schedule {
  private static final int LONGEST_SLEEP = 200;

  private final Random random;
  private final List<Actor> actors = new ArrayList<>();
  private final List<Delayed> delayed = new ArrayList<>();
  private final Semaphore back = new Semaphore(0);
  private int step;
  private @Nullable Actor running;
  private @Nullable Throwable failure;

  /** Ends an actor at its next step, as {@code kill -9} does. */
  static final class Killed extends Error {
    private static final long serialVersionUID = 1L;

    Killed() {
      super("killed", null, false, false);
    }
  }

  private record Delayed(int due, Runnable action) {}

  /** Something that runs. */
  final class Actor {
    private final String name;
    private final Semaphore go = new Semaphore(0);
    private final Thread thread;
    private boolean ended;
    private boolean killed;
    private int asleepUntil;

    private Actor(String name, Runnable body) {
      this.name = name;
      thread = Thread.ofVirtual().unstarted(() -> run(body));
    }

    private void run(Runnable body) {
      go.acquireUninterruptibly();
      try {
        if (!killed) {
          body.run();
        }
      } catch (Killed e) {
        // As was wanted.
      } catch (Throwable e) { // whatever it is, the run has failed
        failure = new AssertionError(name + " at step " + step, e);
      } finally {
        ended = true;
        back.release();
      }
    }

    /** Ends it at its next step. */
    void kill() {
      killed = true;
    }

    /** Does nothing for some steps, as a paused process does. */
    void sleep(int steps) {
      asleepUntil = step + steps;
    }

    boolean isEnded() {
      return ended;
    }
  }

  Schedule(long seed) {
    random = new Random(seed);
  }

  Random random() {
    return random;
  }

  /** Steps so far: the time of the simulation. */
  int step() {
    return step;
  }

  /** Adds an actor, which begins at some later step. */
  Actor start(String name, Runnable body) {
    Actor actor = new Actor(name, body);
    actors.add(actor);
    actor.thread.start();
    return actor;
  }

  /** Does something after some steps, whatever runs then. */
  void later(int steps, Runnable action) {
    delayed.add(new Delayed(step + steps, action));
  }

  /** Lets others go on; called by the running actor. */
  void pass() {
    Actor self = running;
    if (self == null) {
      return; // before or after the run
    }
    back.release();
    self.go.acquireUninterruptibly();
    if (self.killed) {
      throw new Killed();
    }
  }

  /** Runs until all have ended, or a number of steps is done; then the rest is killed. */
  void run(int steps) {
    int end = step + steps;
    while (step < end && failure == null) {
      List<Actor> ready =
          actors.stream().filter(actor -> !actor.ended && actor.asleepUntil <= step).toList();
      step++;
      doDelayed();
      if (actors.stream().allMatch(actor -> actor.ended)) {
        break;
      }
      if (!ready.isEmpty()) {
        resume(ready.get(random.nextInt(ready.size())));
      }
    }
    for (Actor actor : actors) {
      actor.killed = true;
      while (!actor.ended) {
        resume(actor);
      }
    }
    actors.clear();
    Throwable failed = failure;
    if (failed != null) {
      throw new AssertionError(failed.getMessage(), failed.getCause());
    }
  }

  private void resume(Actor actor) {
    running = actor;
    actor.go.release();
    back.acquireUninterruptibly();
    running = null;
  }

  private void doDelayed() {
    List<Delayed> due = delayed.stream().filter(action -> action.due() <= step).toList();
    delayed.removeAll(due);
    due.forEach(action -> action.action().run());
  }

  /** What was delayed happens now. */
  void settle() {
    List<Delayed> all = List.copyOf(delayed);
    delayed.clear();
    all.forEach(action -> action.action().run());
  }

  /** A length of sleep: mostly short, now and then very long. */
  int nap() {
    return random.nextInt(8) == 0 ? random.nextInt(LONGEST_SLEEP) : random.nextInt(6);
  }
}
