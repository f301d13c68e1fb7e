import type { ChannelOptions } from '@grpc/grpc-js';

/** 100 MiB: Fabric's limit in both directions; grpc-js would refuse what is over 4 MiB. */
export const MAX_MESSAGE_BYTES = 100 * 1024 * 1024;

/** @see MaxRecvMsgSize and DefaultKeepaliveOptions in hyperledger/fabric v2.5, internal/pkg/comm/config.go */
export const SERVER_OPTIONS: ChannelOptions = {
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  // Streams of one connection, and the megabytes that it may buffer before it gets no more of them; both are without end otherwise.
  'grpc.max_concurrent_streams': 2_500,
  'grpc-node.max_session_memory': 256,
  'grpc.keepalive_time_ms': 2 * 60 * 60 * 1000,
  'grpc.keepalive_timeout_ms': 20_000,
  'grpc.enable_channelz': 0,
};

export const CLIENT_OPTIONS: ChannelOptions = {
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': 20_000,
  'grpc.enable_channelz': 0,
  'grpc.enable_http_proxy': 0,
  'grpc.use_local_subchannel_pool': 1,
};
