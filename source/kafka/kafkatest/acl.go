package kafkatest

import (
	"strings"

	kafkago "github.com/segmentio/kafka-go"
)

// Deny takes a permission (read, write, describe) for a topic or a group from a user. What nobody is denied, everybody may.
func (a *Admin) Deny(user, kind, name, operation string) {
	a.t.Helper()
	everybody := kafkago.ACLEntry{
		Principal: "User:*", Host: "*", PermissionType: kafkago.ACLPermissionTypeAllow, Operation: kafkago.ACLOperationTypeAll,
		ResourcePatternType: kafkago.PatternTypeLiteral, ResourceName: name, ResourceType: kafkago.ResourceTypeTopic,
	}
	if kind == "group" {
		everybody.ResourceType = kafkago.ResourceTypeGroup
	}
	denied := everybody
	denied.Principal, denied.PermissionType = "User:"+user, kafkago.ACLPermissionTypeDeny
	denied.Operation = map[string]kafkago.ACLOperationType{
		"read": kafkago.ACLOperationTypeRead, "write": kafkago.ACLOperationTypeWrite, "describe": kafkago.ACLOperationTypeDescribe,
	}[strings.ToLower(operation)]
	a.retry("permissions of "+name, func() error {
		answer, err := a.client.CreateACLs(a.ctx, &kafkago.CreateACLsRequest{ACLs: []kafkago.ACLEntry{everybody, denied}})
		if err != nil {
			return err
		}
		for _, err := range answer.Errors {
			if err != nil {
				return err
			}
		}
		return nil
	})
}
