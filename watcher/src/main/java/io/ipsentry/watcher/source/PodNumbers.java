package io.ipsentry.watcher.source;

import java.util.List;

/**
 * What a source of pods did since it is read, over all its containers.
 *
 * @param containers selected now
 * @param streams logs that are read now
 * @param reconnects logs that were asked for again after their connection had ended
 * @param repeatedLines lines that came again and were not counted
 * @param gaps times that lines may be missing: the kubelet no longer had the line that was read
 *     last, or the pod was gone before its log was read to the end
 * @param unreadLines lines without a stamp: the rest of one whose beginning was not asked for
 * @param notRead containers that are selected and not read, as there are too many
 * @param lagMillis by how much the line that was read last is behind, where more waits; of the
 *     container that is behind most
 * @param each of the containers that are read, in order of their names
 */
public record PodNumbers(
    int containers,
    int streams,
    long reconnects,
    long repeatedLines,
    long gaps,
    long unreadLines,
    int notRead,
    long lagMillis,
    List<OfContainer> each) {
  public PodNumbers {
    each = List.copyOf(each);
  }

  /**
   * Of one container, since it is read.
   *
   * @param container pod and container, with a slash between
   * @param lines delivered
   * @param reconnects as {@link PodNumbers#reconnects}
   * @param lagMillis as {@link PodNumbers#lagMillis}
   */
  public record OfContainer(String container, long lines, long reconnects, long lagMillis) {}
}
