/** Tasks that share CPUs, call each other's CPUs, hold locks and die: see leases and calls tests. */
import { sizeOfTask, Task } from "../../../src/machine/cpus.ts";
import { spinLock } from "../../../src/machine/spinlock.ts";
import { serveJobs } from "./thread.ts";

/** One word a CPU from here on: how many tasks believe that they run as it. */
const OCCUPANTS = 256;
const DONE = 512;
const CALLS = 768;
const STOP = 1020;

serveJobs({
  // Enters and leaves any CPU; no two tasks may be on one at the same time.
  shareCpus: (thread) => {
    const { memory, scratch } = thread;
    thread.meet();
    for (let i = 0; i < thread.argument; i++) {
      memory.enterCpu(-1);
      const occupants = scratch + OCCUPANTS + memory.smpProcessorId() * 4;
      if (memory.add(occupants, 1) !== 0) throw new Error("two tasks on one CPU");
      memory.add(occupants, -1);
      memory.add(scratch + DONE + thread.index * 4, 1);
      memory.leaveCpu();
    }
    return memory.read32(scratch + DONE + thread.index * 4);
  },

  // Keeps its CPU until another task waits for it.
  occupy: (thread) => {
    const { memory, machine, scratch } = thread;
    memory.enterCpu(0);
    thread.say(scratch, 1);
    const wanted = (task: number): number =>
      memory.loadAcquire(machine.layout.taskBase + task * sizeOfTask + Task.wanted);
    while (wanted(0) === 0 && wanted(1) === 0 && wanted(2) === 0);
    memory.leaveCpu();
    memory.enterCpu(0);
    memory.leaveCpu();
    return "came back";
  },
  wantOccupied: (thread) => {
    thread.waitUntil(thread.scratch, (value) => value !== 0);
    thread.memory.enterCpu(0);
    thread.memory.leaveCpu();
    return "had it";
  },

  // An inter-processor call counts on the CPU that it runs on.
  callOthers: (thread) => {
    const { memory, machine, scratch } = thread;
    const fn = machine.functions.register(() => {
      if (!memory.irqsDisabled()) throw new Error("called with interrupts on");
      memory.add(scratch + CALLS + memory.smpProcessorId() * 4, 1);
    });
    memory.enterCpu(thread.index);
    thread.meet();
    for (let i = 0; i < thread.argument; i++) {
      machine.calls.callOn((thread.index + 1) % thread.count, fn, 0);
      memory.poll();
    }
    // The others may still be calling this CPU: once it is left, they serve it themselves.
    memory.leaveCpu();
  },

  // Polls until told to stop; what is called here runs between two polls.
  pollUntilStopped: (thread) => {
    const { memory, machine, scratch } = thread;
    machine.functions.register(() => memory.add(scratch, memory.smpProcessorId() + 1));
    memory.enterCpu(thread.index);
    thread.meet();
    while (memory.loadAcquire(scratch + STOP) === 0) memory.poll();
    memory.leaveCpu();
  },
  callThenStop: (thread) => {
    const { memory, machine, scratch } = thread;
    const fn = machine.functions.register(() => memory.add(scratch, memory.smpProcessorId() + 1));
    memory.enterCpu(thread.index);
    thread.meet();
    for (let i = 0; i < thread.argument; i++) machine.calls.callOn(0, fn, 0);
    thread.say(scratch + STOP, 1);
    const done = memory.read32(scratch);
    memory.leaveCpu();
    return done;
  },

  // A CPU that runs and never polls.
  deaf: (thread) => {
    const { memory, scratch } = thread;
    memory.enterCpu(thread.index);
    thread.say(scratch, 1);
    while (memory.loadAcquire(scratch + STOP) === 0);
  },
  callTheDeaf: (thread) => {
    const { memory, machine, scratch } = thread;
    thread.waitUntil(scratch, (value) => value !== 0);
    memory.waitLimit = 50;
    memory.enterCpu(thread.index);
    try {
      machine.calls.callOn(0, 1, 0);
    } catch (error) {
      return String(error);
    } finally {
      thread.say(scratch + STOP, 1);
    }
    return "answered";
  },

  // Ends with a lock held; the test marks the task as dead.
  dieHolding: (thread) => {
    thread.memory.enterCpu(1);
    spinLock(thread.memory, thread.scratch);
    return thread.memory.current();
  },
});
