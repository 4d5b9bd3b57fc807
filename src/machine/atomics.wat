;; SPDX-License-Identifier: MIT
;; One function an atomic instruction, over the shared memory that is imported.
;; V8 compiles a call of such a function to a few instructions, where the same
;; operation by the Atomics object calls a builtin. All are sequentially consistent.
(module
  (import "machine" "memory" (memory 1 65536 shared))

  (func (export "load") (param $address i32) (result i32)
    (i32.atomic.load (local.get $address)))

  (func (export "store") (param $address i32) (param $value i32)
    (i32.atomic.store (local.get $address) (local.get $value)))

  (func (export "cmpxchg") (param $address i32) (param $expected i32) (param $desired i32) (result i32)
    (i32.atomic.rmw.cmpxchg (local.get $address) (local.get $expected) (local.get $desired)))

  ;; Two adjacent words as one: low word at $address, high word at $address + 4.
  (func (export "cmpxchgDouble") (param $address i32)
      (param $expectedLow i32) (param $expectedHigh i32)
      (param $desiredLow i32) (param $desiredHigh i32) (result i32)
    (local $expected i64)
    (local.set $expected
      (i64.or
        (i64.extend_i32_u (local.get $expectedLow))
        (i64.shl (i64.extend_i32_u (local.get $expectedHigh)) (i64.const 32))))
    (i64.eq
      (local.get $expected)
      (i64.atomic.rmw.cmpxchg
        (local.get $address)
        (local.get $expected)
        (i64.or
          (i64.extend_i32_u (local.get $desiredLow))
          (i64.shl (i64.extend_i32_u (local.get $desiredHigh)) (i64.const 32))))))

  (func (export "xchg") (param $address i32) (param $value i32) (result i32)
    (i32.atomic.rmw.xchg (local.get $address) (local.get $value)))

  (func (export "add") (param $address i32) (param $n i32) (result i32)
    (i32.atomic.rmw.add (local.get $address) (local.get $n))))
