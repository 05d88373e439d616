package io.ipsentry.kubernetes.api;

import io.fabric8.kubernetes.client.jdkhttp.JdkHttpClientFactory;
import io.fabric8.kubernetes.client.jdkhttp.JdkHttpClientImpl;
import java.net.http.HttpClient;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * HTTP of one client of the API server. What comes is taken further on virtual threads, like those
 * that read it here: an event of a watch then wakes one thread of the system less, which would have
 * to wait for a processor, and none has a stack of its own. Safe for any thread.
 */
final class ApiHttp extends JdkHttpClientFactory {
  private final ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();

  @Override
  protected HttpClient.Builder createNewHttpClientBuilder() {
    return HttpClient.newBuilder().executor(executor);
  }

  /** Ends what is still under way. */
  @Override
  protected void closeHttpClient(JdkHttpClientImpl client) {
    var ignored = executor.shutdownNow();
  }
}
