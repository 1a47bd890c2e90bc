# Create conversation
curl -X POST "http://localhost:8000/chat/conversations" \
  -H "Authorization: Bearer YOUR_TOKEN" \
  -H "Content-Type: application/json" \
  -d '{"title": "Test Chat", "persona_id": 1}'

# Send message
curl -X POST "http://localhost:8000/chat/conversations/1/send" \
  -H "Authorization: Bearer YOUR_TOKEN" \
  -H "Content-Type: application/json" \
  -d '{"content": "Hello!"}'
