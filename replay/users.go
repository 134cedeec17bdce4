package replay

import (
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// userKey names a user or group: every container has a database of its own,
// that of the host is "".
type userKey struct {
	container string
	id        uint32
}

// User returns the user with that id on the host, nil if it is not known.
func (m *Machine) User(uid uint32) *scapfile.User { return m.users[userKey{id: uid}] }

// UserIn is User for the user database of a container.
func (m *Machine) UserIn(container string, uid uint32) *scapfile.User {
	return m.users[userKey{container, uid}]
}

// Group returns the group with that id on the host, nil if it is not known.
func (m *Machine) Group(gid uint32) *scapfile.Group { return m.userGroups[userKey{id: gid}] }

// GroupIn is Group for the group database of a container.
func (m *Machine) GroupIn(container string, gid uint32) *scapfile.Group {
	return m.userGroups[userKey{container, gid}]
}

func onUser(m *Machine, ev *Event) {
	uid, ok := ev.Uint32(0)
	if !ok {
		return
	}
	key := userKey{m.text.cstr(ev.Param(5)), uid}
	if ev.Type == schema.PPME_USER_DELETED_E {
		delete(m.users, key)
		return
	}
	gid, _ := ev.Uint32(1)
	m.users[key] = &scapfile.User{
		UID: uid, GID: gid,
		Name: m.text.cstr(ev.Param(2)), Home: m.text.cstr(ev.Param(3)), Shell: m.text.cstr(ev.Param(4)),
	}
}

func onGroup(m *Machine, ev *Event) {
	gid, ok := ev.Uint32(0)
	if !ok {
		return
	}
	key := userKey{m.text.cstr(ev.Param(2)), gid}
	if ev.Type == schema.PPME_GROUP_DELETED_E {
		delete(m.userGroups, key)
		return
	}
	m.userGroups[key] = &scapfile.Group{GID: gid, Name: m.text.cstr(ev.Param(1))}
}

// Names of the asynchronous events in which Falco's container plugin reports
// containers.
const (
	asyncContainerAdded   = "container"
	asyncContainerRemoved = "container_removed"
)

func onContainer(m *Machine, ev *Event) { m.setContainer(ev.Param(0)) }

func onAsync(m *Machine, ev *Event) {
	name, _ := ev.Text(1)
	switch string(name) {
	case asyncContainerAdded:
		m.setContainer(ev.Param(2))
	case asyncContainerRemoved:
		delete(m.containers, containerID(trimNUL(ev.Param(2))))
	}
}

func (m *Machine) setContainer(text []byte) {
	text = trimNUL(text)
	if id := containerID(text); id != "" {
		m.containers[id] = append([]byte(nil), text...)
	}
}
