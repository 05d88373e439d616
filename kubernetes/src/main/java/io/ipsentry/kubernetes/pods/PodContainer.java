package io.ipsentry.kubernetes.pods;

/**
 * A container of a pod, as its kubelet reported it last; that may be a second ago.
 *
 * @param pod name of the pod in its namespace
 * @param uid of the pod: another one of the same name has another
 * @param name of the container
 * @param instance the container that runs, or ran last, by the runtime's id; empty: none yet
 * @param restarts how often it was started again
 * @param running whether it runs
 */
public record PodContainer(
    String pod, String uid, String name, String instance, int restarts, boolean running) {

  /** What stays the same when it is started again, and when a pod gets the name of another. */
  public Key key() {
    return new Key(pod, name);
  }

  /**
   * Names the log of a container, as the API server is asked for it.
   *
   * @param pod its name
   * @param container its name
   */
  public record Key(String pod, String container) implements Comparable<Key> {
    @Override
    public int compareTo(Key other) {
      int byPod = pod.compareTo(other.pod);
      return byPod != 0 ? byPod : container.compareTo(other.container);
    }

    @Override
    public String toString() {
      return pod + "/" + container;
    }
  }
}
