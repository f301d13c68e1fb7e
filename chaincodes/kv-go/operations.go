package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
)

type operation func(stub shim.ChaincodeStubInterface, args []string) ([]byte, error)

// operations are the functions that can be called, by name. Lists answer with JSON: [{"k", "v"}].
var operations = map[string]operation{
	"noop":   noop,
	"put":    put,
	"get":    get,
	"del":    del,
	"incr":   incr,
	"getput": getput,
	"fill":   fill,
	"putget": putget,
	"big":    big,
	"hash":   hash,
	"range":  byRange,
	"event":  event,
	"call":   call,
	"error":  fail,
}

// noop touches nothing: what a call costs.
func noop(shim.ChaincodeStubInterface, []string) ([]byte, error) { return nil, nil }

// put takes KEY VALUE [KEY VALUE …].
func put(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	for at := 0; at+1 < len(args); at += 2 {
		if err := stub.PutState(args[at], []byte(args[at+1])); err != nil {
			return nil, err
		}
	}
	return []byte("ok"), nil
}

// get takes KEY.
func get(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	return stub.GetState(argument(args, 0))
}

// del takes KEY [KEY …].
func del(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	for _, key := range args {
		if err := stub.DelState(key); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// incr takes KEY [STEP]: a counter, which conflicts with itself.
func incr(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	step := 1
	if len(args) > 1 {
		var err error
		if step, err = strconv.Atoi(args[1]); err != nil {
			return nil, err
		}
	}
	stored, err := stub.GetState(argument(args, 0))
	if err != nil {
		return nil, err
	}
	count, _ := strconv.Atoi(string(stored)) // nothing stored yet counts as 0
	next := []byte(strconv.Itoa(count + step))
	return next, stub.PutState(argument(args, 0), next)
}

// getput takes N PREFIX: reads and then writes N keys, one after the other.
func getput(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	count, err := strconv.Atoi(argument(args, 0))
	if err != nil {
		return nil, err
	}
	value := bytes.Repeat([]byte("v"), 16)
	for at := 0; at < count; at++ {
		key := numbered(argument(args, 1), at)
		if _, err := stub.GetState(key); err != nil {
			return nil, err
		}
		if err := stub.PutState(key, value); err != nil {
			return nil, err
		}
	}
	return []byte(argument(args, 0)), nil
}

// fill takes PREFIX N: writes N keys.
func fill(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	count, err := strconv.Atoi(argument(args, 1))
	if err != nil {
		return nil, err
	}
	for at := 0; at < count; at++ {
		if err := stub.PutState(numbered(argument(args, 0), at), []byte(fmt.Sprintf("v%d", at))); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// numbered is a key: the prefix and the number in four digits.
func numbered(prefix string, at int) string { return fmt.Sprintf("%s%04d", prefix, at) }

// putget takes KEY VALUE: a write is not seen by the same transaction.
func putget(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	if err := stub.PutState(argument(args, 0), []byte(argument(args, 1))); err != nil {
		return nil, err
	}
	value, err := stub.GetState(argument(args, 0))
	if len(value) == 0 {
		return []byte("(none)"), err
	}
	return value, err
}

// big takes KEY BYTES: a large value.
func big(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	size, err := strconv.Atoi(argument(args, 1))
	if err != nil {
		return nil, err
	}
	return nil, stub.PutState(argument(args, 0), bytes.Repeat([]byte("a"), size))
}

// hash takes TEXT COUNT: SHA-256 of the text, of that digest, and so on, COUNT times, as hex: work for the processor.
func hash(_ shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	count, err := strconv.Atoi(argument(args, 1))
	if err != nil {
		return nil, err
	}
	digest := []byte(argument(args, 0))
	for at := 0; at < count; at++ {
		next := sha256.Sum256(digest)
		digest = next[:]
	}
	return []byte(hex.EncodeToString(digest)), nil
}

type entry struct {
	Key   string `json:"k"`
	Value string `json:"v"`
}

// byRange takes START END.
func byRange(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	results, err := stub.GetStateByRange(argument(args, 0), argument(args, 1))
	if err != nil {
		return nil, err
	}
	defer results.Close()
	found := []entry{}
	for results.HasNext() {
		next, err := results.Next()
		if err != nil {
			return nil, err
		}
		found = append(found, entry{Key: next.Key, Value: string(next.Value)})
	}
	return json.Marshal(found)
}

// event takes NAME PAYLOAD.
func event(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	if err := stub.SetEvent(argument(args, 0), []byte(argument(args, 1))); err != nil {
		return nil, err
	}
	return []byte("sent"), stub.PutState("evt", []byte(argument(args, 0)))
}

// call takes NAME CHANNEL ARG [ARG …]: calls another chaincode; an empty channel is this one.
func call(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	if len(args) < 2 {
		return nil, errors.New("call needs a chaincode and a channel")
	}
	passed := make([][]byte, 0, len(args)-2)
	for _, each := range args[2:] {
		passed = append(passed, []byte(each))
	}
	response := stub.InvokeChaincode(args[0], passed, args[1])
	return response.Payload, stub.PutState("lastcall", []byte(fmt.Sprint(response.Status)))
}

// fail takes MESSAGE: writes and then fails, so that nothing is written.
func fail(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	if err := stub.PutState("never", []byte("x")); err != nil {
		return nil, err
	}
	return nil, errors.New(argument(args, 0))
}

// argument is empty where there is none.
func argument(args []string, at int) string {
	if at < len(args) {
		return args[at]
	}
	return ""
}
