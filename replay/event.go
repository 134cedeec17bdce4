package replay

import (
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// Event is an event with its context at that moment. Like the event inside it
// is valid until the next call of Machine.Next.
type Event struct {
	*scapfile.Event

	// Info is the schema row, never nil: events of unknown types are not delivered.
	Info *schema.Event
	// Thread is the thread that made the call, as it was after it (an execve
	// shows the new image). Nil only for events without a thread.
	Thread *Thread
	// FDNum is the descriptor the event works on or created, -1 if none.
	FDNum int64
	// FD is what FDNum referred to; nil when unknown. For close it is the
	// descriptor that was closed.
	FD *FD
	// PrevTS is the time of the thread's event before this one, 0 if it is the
	// first; EnterTS is when the call began, 0 where the capture does not tell.
	// Both in nanoseconds since the epoch.
	PrevTS, EnterTS uint64
	// M is the machine the event belongs to.
	M *Machine
}
