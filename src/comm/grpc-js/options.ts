import type { ChannelOptions } from '@grpc/grpc-js';
import { CLIENT_KEEPALIVE, type KeepaliveTimes, MAX_CALLS, MAX_MESSAGE_BYTES, SERVER_KEEPALIVE } from '../limits.ts';

const optionsOf = ({ keepaliveMs, keepaliveTimeoutMs }: KeepaliveTimes): ChannelOptions => ({
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES, // grpc-js would refuse what is over 4 MiB
  'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  'grpc.keepalive_time_ms': keepaliveMs,
  'grpc.keepalive_timeout_ms': keepaliveTimeoutMs,
  'grpc.enable_channelz': 0,
});

export const SERVER_OPTIONS: ChannelOptions = {
  ...optionsOf(SERVER_KEEPALIVE),
  // Streams of one connection, and the megabytes that it may buffer before it gets no more of them; both are without end otherwise.
  'grpc.max_concurrent_streams': MAX_CALLS,
  'grpc-node.max_session_memory': 256,
};

export const CLIENT_OPTIONS: ChannelOptions = {
  ...optionsOf(CLIENT_KEEPALIVE),
  'grpc.enable_http_proxy': 0,
  'grpc.use_local_subchannel_pool': 1,
};
