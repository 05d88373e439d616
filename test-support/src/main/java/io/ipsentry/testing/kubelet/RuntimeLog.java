package io.ipsentry.testing.kubelet;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What the runtime wrote for one container of one pod: the file of the container that runs or ran
 * last, and that of the one before it. A file that was rotated away can no longer be asked for, but
 * whoever follows it reads it to its end.
 *
 * <p>It knows of each line whether the kubelet has given it to anybody, which is what a reader can
 * be held to. Safe for any thread.
 */
public final class RuntimeLog {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  /** Whole lines that were given to anybody, by their number. */
  private final Map<Integer, String> served = new HashMap<>();

  private final String id;
  private Instance current;
  private @Nullable Instance previous;
  private int instances;
  private long written;
  private int files;
  private boolean overtaken;

  /** Whether {@link #served} is kept. */
  private boolean remembers = true;

  /** A piece of a line as the runtime wrote it. */
  record Entry(Instant stamp, String content, boolean partial, int number) {}

  /** One file under one name, until it is rotated. */
  static final class LogFile {
    private final List<Entry> entries = new ArrayList<>();
    private final int number;

    LogFile(int number) {
      this.number = number;
    }
  }

  /** A container, from its start to its end. */
  static final class Instance {
    private final String id;
    private LogFile file;
    private boolean running = true;

    Instance(String id, LogFile file) {
      this.id = id;
      this.file = file;
    }
  }

  /** Where somebody reads. */
  static final class Reading {
    private final Instance instance;
    private LogFile file;
    private int next;

    Reading(Instance instance) {
      this.instance = instance;
      file = instance.file;
    }
  }

  private RuntimeLog(String id) {
    this.id = id;
    current = new Instance(id + "-0", new LogFile(0));
  }

  /**
   * One of a container that has just started.
   *
   * @param id its containers are called so, with a number behind it
   */
  public static RuntimeLog named(String id) {
    return new RuntimeLog(id);
  }

  /**
   * The same without {@link #served()} and {@link #hasGap}, for which every line is kept: of a log
   * that is written for hours.
   */
  public RuntimeLog forgetful() {
    changing(() -> {
      remembers = false;
      served.clear();
    });
    return this;
  }

  // ---- what the container and its runtime do

  /** The container writes a line; it is stamped now. */
  public void write(String line) {
    write(Instant.now(), line);
  }

  /** The container wrote a line at a time of before. */
  public void write(Instant stamp, String line) {
    add(stamp, line, false);
  }

  /** The container writes a piece of a line, which a later {@link #write} ends. */
  public void writePart(String piece) {
    add(Instant.now(), piece, true);
  }

  private void add(Instant stamp, String content, boolean partial) {
    lock.lock();
    try {
      current.file.entries.add(new Entry(stamp, content, partial, (int) written));
      written++;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** The kubelet rotates the file: what is written from now on is in another. */
  public void rotate() {
    changing(() -> current.file = newFile());
  }

  /** The container ends. */
  public void stop() {
    changing(() -> current.running = false);
  }

  /** The container ends, if it has not, and is started again. */
  public void restart() {
    changing(() -> {
      current.running = false;
      previous = current;
      instances++;
      current = new Instance(id + "-" + instances, newFile());
    });
  }

  private LogFile newFile() {
    files++;
    return new LogFile(files);
  }

  private void changing(Runnable change) {
    lock.lock();
    try {
      change.run();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  // ---- what is known of it

  /**
   * Lines that the kubelet gave to anybody, and how often each was written. Of a line in pieces,
   * the last piece stands for it.
   */
  public Map<String, Integer> served() {
    lock.lock();
    try {
      mustRemember();
      Map<String, Integer> lines = new HashMap<>();
      served.values().forEach(line -> lines.merge(line, 1, Integer::sum));
      return lines;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Whether lines between two that were given to somebody were given to nobody, because the file
   * they are in was rotated away while nobody read it. Of a log whose lines are written whole.
   */
  public boolean hasGap() {
    lock.lock();
    try {
      mustRemember();
      int first = served.keySet().stream().mapToInt(Integer::intValue).min().orElse(0);
      int last = served.keySet().stream().mapToInt(Integer::intValue).max().orElse(-1);
      return last - first + 1 > served.size();
    } finally {
      lock.unlock();
    }
  }

  private void mustRemember() {
    if (!remembers) {
      throw new IllegalStateException("it does not remember which lines were given");
    }
  }

  /**
   * Whether the file was rotated twice while a reader was still in the one before: what is between
   * is lost to that reader, who cannot see it.
   */
  public boolean wasOvertaken() {
    lock.lock();
    try {
      return overtaken;
    } finally {
      lock.unlock();
    }
  }

  /** Lines and pieces that were written. */
  public long written() {
    lock.lock();
    try {
      return written;
    } finally {
      lock.unlock();
    }
  }

  /** Its status as a kubelet reports it, in YAML on one line. */
  public String status(String container) {
    lock.lock();
    try {
      String state =
          current.running
              ? "{ running: { startedAt: \"2026-01-01T00:00:00Z\" } }"
              : terminated(current);
      Instance before = previous;
      return ("{ name: %s, image: test, imageID: test, ready: %b, restartCount: %d,"
              + " containerID: \"containerd://%s\", state: %s%s }")
          .formatted(
              container,
              current.running,
              instances,
              current.id,
              state,
              before == null ? "" : ", lastState: " + terminated(before));
    } finally {
      lock.unlock();
    }
  }

  private static String terminated(Instance instance) {
    return "{ terminated: { exitCode: 0, containerID: \"containerd://" + instance.id + "\" } }";
  }

  // ---- for the kubelet

  /**
   * What a kubelet answers who asks for the log.
   *
   * @param ofPrevious of the container before the one that runs or ran last
   * @param cut whether the kubelet was cut off since
   * @return empty: there is no such container
   */
  public Optional<LogAnswer> answer(
      boolean ofPrevious, boolean follow, Instant since, BooleanSupplier cut) {
    lock.lock();
    try {
      Instance of = ofPrevious ? previous : current;
      return of == null
          ? Optional.empty()
          : Optional.of(new LogAnswer(this, new Reading(of), follow, since, cut));
    } finally {
      lock.unlock();
    }
  }

  void tail(Reading reading, int lines) {
    lock.lock();
    try {
      reading.next = lines < 0 ? 0 : Math.max(0, reading.file.entries.size() - lines);
    } finally {
      lock.unlock();
    }
  }

  /**
   * What comes next; waits for it where it is followed.
   *
   * @param isCut whether the reader is to be cut off
   * @return empty: the end
   */
  List<Entry> next(Reading reading, boolean follow, int most, BooleanSupplier isCut)
      throws InterruptedException {
    lock.lock();
    try {
      while (reading.next == reading.file.entries.size()) {
        if (isCut.getAsBoolean()) {
          return List.of();
        }
        if (follow && reading.file != reading.instance.file) {
          // Rotated: the kubelet opens the name again, whatever file that is by now.
          overtaken |= reading.instance.file.number > reading.file.number + 1;
          reading.file = reading.instance.file;
          reading.next = 0;
        } else if (!follow || !reading.instance.running) {
          return List.of();
        } else {
          boolean ignored = changed.await(1, TimeUnit.SECONDS);
        }
      }
      int end = Math.min(reading.file.entries.size(), reading.next + most);
      List<Entry> entries = List.copyOf(reading.file.entries.subList(reading.next, end));
      reading.next = end;
      return entries;
    } finally {
      lock.unlock();
    }
  }

  /** Ends the waiting of readers that are to be cut off. */
  public void wake() {
    changing(() -> {});
  }

  /** These were given to somebody; those that were given before are not counted again. */
  void served(List<Entry> entries) {
    lock.lock();
    try {
      for (Entry entry : entries) {
        if (remembers && !entry.partial()) {
          served.put(entry.number(), entry.content());
        }
      }
    } finally {
      lock.unlock();
    }
  }
}
