package replay

import (
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// notKnown is a real value, not a missing one: what users and groups that are
// in no list of the capture are called.
const notKnown = "<NA>"

// userFields are the fields of the user of the process.
var userFields = []row{
	threadNum("user.uid", schema.PT_UINT32, "Effective user id.", func(t *Thread) int64 { return int64(t.UID) }).as(schema.PF_ID),
	threadText("user.name", "User name; root for an unknown user 0, the text <NA> for others unknown.", func(t *Thread) string {
		return userText(t, t.UID, "root", userName)
	}),
	threadText("user.homedir", "Home directory; /root for an unknown user 0, the text <NA> for others unknown.", func(t *Thread) string {
		return userText(t, t.UID, "/root", func(u *scapfile.User) string { return u.Home })
	}),
	threadText("user.shell", "Login shell; the text <NA> when unknown.", func(t *Thread) string {
		return userText(t, t.UID, notKnown, func(u *scapfile.User) string { return u.Shell })
	}),
	threadNum("user.loginuid", schema.PT_INT64, "Audit user id of the login, -1 when there is none.", func(t *Thread) int64 {
		if t.LoginUID == noID {
			return -1
		}
		return int64(t.LoginUID)
	}).as(schema.PF_ID),
	threadText("user.loginname", "Name of the user who logged in; the text <NA> when unknown.", func(t *Thread) string {
		return userText(t, t.LoginUID, "root", userName)
	}),
}

// groupFields are the fields of the group of the process.
var groupFields = []row{
	threadNum("group.gid", schema.PT_UINT32, "Effective group id.", func(t *Thread) int64 { return int64(t.GID) }).as(schema.PF_ID),
	threadText("group.name", "Group name; root for an unknown group 0, the text <NA> for others unknown.", func(t *Thread) string {
		return groupName(t, t.GID)
	}),
}

// noID is the user or group id that stands for none.
const noID = 0xFFFFFFFF

// userText is a text of the user with that id, in the user database of the
// thread's container if it is in one; root stands for user 0 when it is in no
// list.
func userText(t *Thread, uid uint32, root string, f func(*scapfile.User) string) string {
	if uid != noID {
		if u := t.m.UserIn(t.ContainerID, uid); u != nil {
			return f(u)
		}
		if uid == 0 {
			return root
		}
	}
	return notKnown
}

func userName(u *scapfile.User) string { return u.Name }

// groupName is the name of the group with that id.
func groupName(t *Thread, gid uint32) string {
	if g := t.m.GroupIn(t.ContainerID, gid); g != nil {
		return g.Name
	}
	if gid == 0 {
		return "root"
	}
	return notKnown
}
