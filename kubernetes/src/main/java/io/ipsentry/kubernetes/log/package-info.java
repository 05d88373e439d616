/**
 * The ban log in ConfigMaps. Creating the ConfigMap with the next index is the compare-and-swap;
 * nothing is rewritten. {@code LogReplica} is what a process knows of the log, {@code LogAppender}
 * adds to it, {@code LogCompactor} folds its beginning into a snapshot; {@code KubernetesBanLog}
 * puts them behind the port and gives them threads.
 */
@NullMarked
package io.ipsentry.kubernetes.log;

import org.jspecify.annotations.NullMarked;
