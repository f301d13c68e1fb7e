package example;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.MessageDigest;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.hyperledger.fabric.shim.Chaincode.Response;
import org.hyperledger.fabric.shim.ChaincodeStub;
import org.hyperledger.fabric.shim.ledger.KeyValue;
import org.hyperledger.fabric.shim.ledger.QueryResultsIterator;
import org.json.JSONArray;
import org.json.JSONObject;

/** The functions that can be called, by name. Lists answer with JSON: [{"k", "v"}]. */
final class Operations {

    interface Operation {
        byte[] run(ChaincodeStub stub, List<String> args) throws Exception;
    }

    static final Map<String, Operation> BY_NAME = Map.ofEntries(
            Map.entry("noop", (stub, args) -> new byte[0]),
            Map.entry("put", Operations::put),
            Map.entry("get", (stub, args) -> stub.getState(argument(args, 0))),
            Map.entry("del", Operations::del),
            Map.entry("incr", Operations::incr),
            Map.entry("putget", Operations::putget),
            Map.entry("big", Operations::big),
            Map.entry("hash", Operations::hash),
            Map.entry("range", Operations::range),
            Map.entry("event", Operations::event),
            Map.entry("call", Operations::call),
            Map.entry("error", Operations::fail));

    private Operations() { }

    /** KEY VALUE [KEY VALUE …] */
    static byte[] put(final ChaincodeStub stub, final List<String> args) {
        for (int at = 0; at + 1 < args.size(); at += 2) {
            stub.putStringState(args.get(at), args.get(at + 1));
        }
        return bytes("ok");
    }

    /** KEY [KEY …] */
    private static byte[] del(final ChaincodeStub stub, final List<String> args) {
        args.forEach(stub::delState);
        return new byte[0];
    }

    /** KEY [STEP]: a counter, which conflicts with itself. */
    private static byte[] incr(final ChaincodeStub stub, final List<String> args) {
        final String stored = stub.getStringState(argument(args, 0));
        final int count = stored.isEmpty() ? 0 : Integer.parseInt(stored);
        final int step = args.size() > 1 ? Integer.parseInt(args.get(1)) : 1;
        final byte[] next = bytes(String.valueOf(count + step));
        stub.putState(argument(args, 0), next);
        return next;
    }

    /** KEY VALUE: a write is not seen by the same transaction. */
    private static byte[] putget(final ChaincodeStub stub, final List<String> args) {
        stub.putStringState(argument(args, 0), argument(args, 1));
        final byte[] value = stub.getState(argument(args, 0));
        return value.length == 0 ? bytes("(none)") : value;
    }

    /** KEY BYTES: a large value. */
    private static byte[] big(final ChaincodeStub stub, final List<String> args) {
        final byte[] value = new byte[Integer.parseInt(argument(args, 1))];
        Arrays.fill(value, (byte) 'a');
        stub.putState(argument(args, 0), value);
        return new byte[0];
    }

    /** TEXT COUNT: SHA-256 of the text, of that digest, and so on, COUNT times, as hex: work for the processor. */
    private static byte[] hash(final ChaincodeStub stub, final List<String> args) throws Exception {
        final MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
        final int count = Integer.parseInt(argument(args, 1));
        byte[] digest = bytes(argument(args, 0));
        for (int at = 0; at < count; at++) {
            digest = sha256.digest(digest);
        }
        final StringBuilder hex = new StringBuilder();
        for (final byte each : digest) {
            hex.append(String.format("%02x", each));
        }
        return bytes(hex.toString());
    }

    /** START END */
    private static byte[] range(final ChaincodeStub stub, final List<String> args) throws Exception {
        final JSONArray found = new JSONArray();
        try (QueryResultsIterator<KeyValue> results = stub.getStateByRange(argument(args, 0), argument(args, 1))) {
            for (final KeyValue each : results) {
                found.put(new JSONObject().put("k", each.getKey()).put("v", each.getStringValue()));
            }
        }
        return bytes(found.toString());
    }

    /** NAME PAYLOAD */
    private static byte[] event(final ChaincodeStub stub, final List<String> args) {
        stub.setEvent(argument(args, 0), bytes(argument(args, 1)));
        stub.putStringState("evt", argument(args, 0));
        return bytes("sent");
    }

    /** NAME CHANNEL ARG [ARG …]: calls another chaincode; an empty channel is this one. */
    private static byte[] call(final ChaincodeStub stub, final List<String> args) {
        final List<byte[]> passed = args.stream().skip(2).map(Operations::bytes).collect(Collectors.toList());
        final Response response = stub.invokeChaincode(argument(args, 0), passed, argument(args, 1));
        stub.putStringState("lastcall", String.valueOf(response.getStatusCode()));
        return response.getPayload();
    }

    /** MESSAGE: writes and then fails, so that nothing is written. */
    private static byte[] fail(final ChaincodeStub stub, final List<String> args) throws Exception {
        stub.putStringState("never", "x");
        throw new Exception(argument(args, 0));
    }

    /** Empty where there is none. */
    static String argument(final List<String> args, final int at) {
        return at < args.size() ? args.get(at) : "";
    }

    private static byte[] bytes(final String text) {
        return text.getBytes(UTF_8);
    }
}
