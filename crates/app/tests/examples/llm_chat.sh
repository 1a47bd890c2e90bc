# Streaming Response
curl -X POST http://localhost:8000/chat \
  -H "Content-Type: application/json" \
  -d '{"input": "Write a story", "stream": true}'

# Basic Chat
curl -X POST http://localhost:8000/chat \
  -H "Content-Type: application/json" \
  -d '{"input": "What is Python?", "user_id": "user1"}'

# Continue Conversation
curl -X POST http://localhost:8000/chat \
  -H "Content-Type: application/json" \
  -d '{
    "input": "Tell me more about lists",
    "user_id": "user1",
    "conversation_id": "conv_xxx"
  }'

# Chat with Image
curl -X POST http://localhost:8000/chat \
  -H "Content-Type: application/json" \
  -d '{
    "input": [
      {"type": "text", "text": "Describe this image"},
      {"type": "image_url", "image_url": {"url": "https://example.com/image.jpg"}}
    ],
    "user_id": "user1"
  }'

# Chat with Custom Instructions
curl -X POST http://localhost:8000/chat \
  -H "Content-Type: application/json" \
  -d '{
    "input": "Explain quantum computing",
    "instructions": "Explain like I am 5 years old",
    "user_id": "user1"
  }'

# Streaming Chat
curl -X POST http://localhost:8000/chat \
  -H "Content-Type: application/json" \
  -d '{"input": "Write a poem", "stream": true, "user_id": "user1"}'

# List User Conversations
curl "http://localhost:8000/conversations?user_id=user1&limit=20"

# Get Conversation Messages
curl "http://localhost:8000/conversations/conv_xxx/messages?limit=50&order=asc"

# Update Conversation Title
curl -X PATCH http://localhost:8000/conversations/conv_xxx \
  -H "Content-Type: application/json" \
  -d '{"title": "Python Tutorial"}'

# Soft delete (recoverable)
curl -X DELETE "http://localhost:8000/conversations/conv_xxx?soft=true"

# Hard delete (permanent)
curl -X DELETE "http://localhost:8000/conversations/conv_xxx?soft=false"
