package io.ipsentry.watcher.source;

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
 * @param lagMillis by how much the line that was read last is behind, where more waits
 */
public record PodNumbers(
    int containers,
    int streams,
    long reconnects,
    long repeatedLines,
    long gaps,
    long unreadLines,
    int notRead,
    long lagMillis) {}
